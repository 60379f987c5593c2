// What the whole page stands in: query cache, Ant Design with the language's
// texts and the nonce of this answer.
import {
  MutationCache,
  onlineManager,
  QueryCache,
  QueryClient,
  QueryClientProvider,
} from "@tanstack/react-query";
import { App, ConfigProvider } from "antd";
import enUS from "antd/locale/en_US";
import zhCN from "antd/locale/zh_CN";
import { type ReactNode, useMemo } from "react";
import { ApiError } from "../api/client";
import { codeOf } from "../api/request";
import { sessionQuery } from "../api/session";
import { useLang } from "../i18n";
import { useMode } from "../ui/mode";
import { ALERT_SIGNS, SELECT_SIGNS } from "../ui/signs";
import { usePhone } from "../ui/use-media";
import { themeOf } from "./theme";

const nonce = document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce;
const csp = nonce ? { nonce } : undefined;

// It takes for granted that a page starts online, and would then miss the first return of the network.
onlineManager.setOnline(navigator.onLine);

/** A session that has ended shows wherever it is noticed first. */
function onError(error: unknown): void {
  if (codeOf(error) === "signed_out") void queries.invalidateQueries({ queryKey: sessionQuery.queryKey });
}

const queries: QueryClient = new QueryClient({
  queryCache: new QueryCache({ onError }),
  mutationCache: new MutationCache({ onError }),
  defaultOptions: {
    queries: {
      // An answer that names its reason comes again the same; only a lost connection is worth a second try.
      retry: (count, error) => !(error instanceof ApiError) && count < 2,
      refetchOnWindowFocus: false,
      // Keji often runs on this machine or in its network: only a request can tell whether it is in reach.
      networkMode: "always",
      refetchOnReconnect: true,
    },
  },
});

export function Providers({ children }: { children: ReactNode }) {
  const lang = useLang();
  const mode = useMode();
  const isPhone = usePhone();
  const theme = useMemo(() => themeOf(mode, isPhone), [mode, isPhone]);
  return (
    <QueryClientProvider client={queries}>
      <ConfigProvider
        theme={theme}
        locale={lang === "zh" ? zhCN : enUS}
        csp={csp}
        button={{ autoInsertSpace: false }}
        select={SELECT_SIGNS}
        alert={ALERT_SIGNS}
      >
        <App>{children}</App>
      </ConfigProvider>
    </QueryClientProvider>
  );
}
