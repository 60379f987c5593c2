// What the whole page stands in: query cache, Ant Design with the language's
// texts and the nonce of this answer.
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { App, ConfigProvider } from "antd";
import enUS from "antd/locale/en_US";
import zhCN from "antd/locale/zh_CN";
import type { ReactNode } from "react";
import { ApiError } from "../api/client";
import { useLang } from "../i18n";
import { theme } from "./theme";

const nonce = document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce;
const csp = nonce ? { nonce } : undefined;

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      // An answer that names its reason comes again the same; only a lost connection is worth a second try.
      retry: (count, error) => !(error instanceof ApiError) && count < 2,
      refetchOnWindowFocus: false,
    },
  },
});

export function Providers({ children }: { children: ReactNode }) {
  const lang = useLang();
  return (
    <QueryClientProvider client={queries}>
      <ConfigProvider
        theme={theme}
        locale={lang === "zh" ? zhCN : enUS}
        csp={csp}
        button={{ autoInsertSpace: false }}
      >
        <App>{children}</App>
      </ConfigProvider>
    </QueryClientProvider>
  );
}
