// What the settings have in common: the way between them, and a plain word for
// whoever may not open one.
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import "../i18n/settings";
import { AREAS, useUser } from "./session";
import { Empty } from "./states";

export function SettingsFrame({
  title,
  note,
  area,
  actions,
  children,
}: {
  title: string;
  note?: string;
  area: string;
  actions?: ReactNode;
  children: ReactNode;
}) {
  const { t } = useTranslation();
  const user = useUser();
  const allowed = AREAS.filter((a) => user?.admin.includes(a.area));
  const isAllowed = user?.admin.includes(area) ?? false;
  return (
    <main className="page" id="main">
      <header className="page-head">
        <div>
          <p className="crumb muted">{t("nav.settings")}</p>
          <h1>{title}</h1>
          {note && <p className="note">{note}</p>}
        </div>
        {isAllowed && actions && <div className="controls">{actions}</div>}
      </header>
      {allowed.length > 1 && (
        <nav className="tabs" aria-label={t("nav.settings")}>
          {allowed.map((a) => (
            <Link key={a.to} to={a.to} activeOptions={{ includeSearch: false }}>
              {t(a.key)}
            </Link>
          ))}
        </nav>
      )}
      {isAllowed ? children : <Empty title={t("settings.notAllowed")}>{t("settings.notAllowedText")}</Empty>}
    </main>
  );
}
