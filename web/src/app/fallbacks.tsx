import { type ErrorComponentProps, Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { Empty, LoadError } from "../ui/states";

export function NotFound() {
  const { t } = useTranslation();
  return (
    <main className="page" id="main">
      <h1 className="visually-hidden">{t("error.notFound")}</h1>
      <Empty title={t("error.notFound")} action={<Link to="/">{t("error.toOverview")}</Link>} />
    </main>
  );
}

export function RouteError({ error, reset }: ErrorComponentProps) {
  const { t } = useTranslation();
  return (
    <main className="page" id="main">
      <h1>{t("error.page")}</h1>
      <LoadError error={error} onRetry={reset} />
    </main>
  );
}
