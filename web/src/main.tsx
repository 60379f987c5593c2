import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import "virtual:antd.css";
import "./app/theme.css";
import "./app/app.css";
import "./app/phone.css";
import "./app/records.css";
import { Providers } from "./app/providers";
import { router } from "./app/router";
import { startServiceWorker } from "./app/service-worker";
import { startI18n } from "./i18n";

startServiceWorker();
await startI18n();
const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <Providers>
        <RouterProvider router={router} />
      </Providers>
    </StrictMode>,
  );
}
