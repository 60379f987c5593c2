// Rail on a desk, bottom bar on a phone, a header that says how fresh the data is.
import { AppstoreOutlined, BarChartOutlined, CloudUploadOutlined, TeamOutlined } from "@ant-design/icons";
import { useQuery } from "@tanstack/react-query";
import { Link, Outlet } from "@tanstack/react-router";
import { Segmented } from "antd";
import { type MouseEvent, useEffect } from "react";
import { useTranslation } from "react-i18next";
import { catalogQuery, statusQuery } from "../api/queries";
import type { Status } from "../api/types";
import { setLanguage, useLang } from "../i18n";
import { countOf } from "../ui/catalog";
import type { Lang } from "../ui/format";
import { exactNumber } from "../ui/format";
import { LoadError, Skeleton } from "../ui/states";
import { useOnline } from "../ui/use-online";
import { ExactBubble } from "./exact-bubble";
import { ExplainHost } from "./explain-host";
import { Keys } from "./keys";
import { ModeSwitch } from "./mode-switch";

const ROOMS = [
  { to: "/", key: "nav.overview", icon: <AppstoreOutlined /> },
  { to: "/customers", key: "nav.customers", icon: <TeamOutlined /> },
  { to: "/import", key: "nav.import", icon: <CloudUploadOutlined /> },
  { to: "/metrics", key: "nav.metrics", icon: <BarChartOutlined /> },
] as const;

/** The link's own jump would change the URL, which holds the filters. */
function skip(event: MouseEvent): void {
  event.preventDefault();
  const main = document.getElementById("main");
  main?.setAttribute("tabindex", "-1");
  main?.focus();
}

export function Shell() {
  const { t } = useTranslation();
  const lang = useLang();
  const status = useQuery(statusQuery);
  const catalog = useQuery(catalogQuery);
  const isOnline = useOnline();
  const failed = status.error ?? catalog.error;
  useEffect(() => {
    document.title = t("shell.title");
  }, [t]);
  return (
    <div className="shell">
      {/* biome-ignore lint/a11y/useValidAnchor: it is a link to the main part; the handler keeps the URL. */}
      <a className="skip" href="#main" onClick={skip}>
        {t("shell.skip")}
      </a>
      <nav className="rail" aria-label={t("shell.rooms")}>
        <Link to="/" className="brand" aria-label={t("shell.brand")}>
          <img src="/favicon.svg" alt="" width="28" height="28" />
          <span>{t("shell.brand")}</span>
        </Link>
        {ROOMS.map((room) => (
          <Link
            key={room.to}
            to={room.to}
            className="room"
            activeOptions={{ exact: room.to === "/", includeSearch: false }}
          >
            <span aria-hidden="true">{room.icon}</span>
            <span>{t(room.key)}</span>
          </Link>
        ))}
        <Keys />
      </nav>
      <header className="topbar">
        <span className="brand-small" aria-hidden="true">
          {t("shell.brand")}
        </span>
        {status.data && <Freshness status={status.data} />}
        {!status.data && !failed && <Skeleton height={20} width={180} />}
        <ModeSwitch />
        <Segmented<Lang>
          aria-label={t("shell.language")}
          value={lang}
          onChange={setLanguage}
          options={[
            // A language is called by its own name in every language.
            { value: "zh", label: "中文" },
            { value: "en", label: "EN" },
          ]}
        />
      </header>
      <ExactBubble />
      {!isOnline && status.data && (
        <p className="offline" role="status">
          {t("shell.offline")}
        </p>
      )}
      <div className="content">
        {failed ? (
          <main className="page" id="main">
            <h1>{t("error.page")}</h1>
            <LoadError
              error={failed}
              onRetry={() => {
                void status.refetch();
                void catalog.refetch();
              }}
            />
          </main>
        ) : status.data && catalog.data ? (
          <ExplainHost>
            <Outlet />
          </ExplainHost>
        ) : (
          <main className="page" id="main" aria-busy="true">
            <Skeleton height={32} width={160} />
            <Skeleton height={320} />
          </main>
        )}
      </div>
    </div>
  );
}

function Freshness({ status }: { status: Status }) {
  const { t } = useTranslation();
  if (!status.last_ordered_on) return <span className="fresh">{t("shell.noData")}</span>;
  const behind = status.copy_seq < status.seq;
  return (
    <span className="fresh">
      {status.as_of && (
        <span title={t("shell.asOfHelp")}>
          {t("shell.asOf")} <b>{status.as_of}</b>
        </span>
      )}
      <span
        className="fresh-data"
        title={t("shell.dataHelp", {
          orders: exactNumber(countOf(status, "order")),
          customers: exactNumber(countOf(status, "customer")),
        })}
      >
        <i className={behind ? "dot late" : "dot"} aria-hidden="true" />
        {behind ? t("shell.catchingUp") : t("shell.dataTo", { date: status.last_ordered_on })}
      </span>
      {status.demo && <span className="chip">{t("shell.demo")}</span>}
    </span>
  );
}
