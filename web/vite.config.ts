import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";
import { antdCss } from "./build/antd-css.ts";
import { precompress } from "./build/precompress.ts";
import { serviceWorker } from "./build/service-worker.ts";

export default defineConfig({
  plugins: [react(), antdCss(), precompress(), serviceWorker()],
  // The server replaces the placeholder by a fresh nonce in every answer.
  html: { cspNonce: "__CSP_NONCE__" },
  build: {
    target: "es2022",
    manifest: true,
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 1200,
    // The page, and that of public forms, which is small.
    rolldownOptions: { input: ["index.html", "form.html"] },
  },
  server: { proxy: { "/api": process.env.KEJI_URL ?? "http://127.0.0.1:4010" } },
});
