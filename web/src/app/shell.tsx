// Rail on a desk, bottom bar on a phone, a header that says how fresh the data
// is. Nobody sees more of it than the gate before they have signed in.
import {
  AppstoreOutlined,
  BarChartOutlined,
  CheckSquareOutlined,
  CloudUploadOutlined,
  ContainerOutlined,
  SettingOutlined,
  TeamOutlined,
} from "@ant-design/icons";
import { useQuery } from "@tanstack/react-query";
import { Link, Outlet, useLocation } from "@tanstack/react-router";
import { Segmented } from "antd";
import { lazy, type MouseEvent, Suspense, useEffect } from "react";
import { useTranslation } from "react-i18next";
import { catalogQuery, statusQuery } from "../api/queries";
import { objectsQuery } from "../api/records";
import { type SessionUser, sessionQuery } from "../api/session";
import type { Status } from "../api/types";
import { setLanguage, useLang } from "../i18n";
import { countOf } from "../ui/catalog";
import type { Lang } from "../ui/format";
import { exactNumber, pickText } from "../ui/format";
import { rememberUser, useOutbox } from "../ui/outbox";
import { roomsOf } from "../ui/rooms";
import { AREAS, useImports } from "../ui/session";
import { LoadError, Skeleton } from "../ui/states";
import { useOnline } from "../ui/use-online";
import { ExactBubble } from "./exact-bubble";
import { ExplainHost } from "./explain-host";
import { FindHost } from "./find-host";
import { Keys } from "./keys";
import { ModeSwitch } from "./mode-switch";
import { UserMenu } from "./user-menu";

const GatePage = lazy(() => import("../features/gate/gate-page").then((m) => ({ default: m.GatePage })));

/** What the reader is told; it comes after the page. */
const Bell = lazy(() => import("../features/notices/bell").then((m) => ({ default: m.Bell })));
const Outbox = lazy(() => import("../features/outbox/outbox").then((m) => ({ default: m.Outbox })));
const QuickVisit = lazy(() =>
  import("../features/outbox/quick-visit").then((m) => ({ default: m.QuickVisit })),
);
const LiveHost = lazy(() => import("./live-host").then((m) => ({ default: m.LiveHost })));

const ROOMS = [
  { to: "/today", key: "nav.today", icon: <CheckSquareOutlined /> },
  { to: "/", key: "nav.overview", icon: <AppstoreOutlined /> },
  { to: "/customers", key: "nav.customers", icon: <TeamOutlined /> },
  { to: "/import", key: "nav.import", icon: <CloudUploadOutlined /> },
  { to: "/metrics", key: "nav.metrics", icon: <BarChartOutlined /> },
  { to: "/records", key: "nav.records", icon: <ContainerOutlined /> },
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
  const session = useQuery(sessionQuery);
  const user = session.data?.user ?? null;
  const enabled = user !== null;
  const status = useQuery({ ...statusQuery, enabled });
  const catalog = useQuery({ ...catalogQuery, enabled });
  const isOnline = useOnline();
  const failed = (session.data ? null : session.error) ?? status.error ?? catalog.error;
  const waits = useOutbox().length > 0;
  const userId = user?.id;
  useEffect(() => {
    if (userId !== undefined) rememberUser(userId);
  }, [userId]);
  const isOutside = session.data !== undefined && user === null;
  useEffect(() => {
    document.title = t("shell.title");
  }, [t]);
  const switches = (
    <>
      <ModeSwitch />
      <Segmented<Lang>
        aria-label={t("shell.language")}
        value={lang}
        onChange={(next) => void setLanguage(next)}
        options={[
          // A language is called by its own name in every language.
          { value: "zh", label: "中文" },
          { value: "en", label: "EN" },
        ]}
      />
    </>
  );
  if (isOutside)
    return (
      <div className="outside">
        <header className="gate-top">{switches}</header>
        <Suspense fallback={<Skeleton height={320} />}>
          <GatePage session={session.data} />
        </Suspense>
      </div>
    );
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
        {user && <Rooms />}
        {user && <Objects user={user} />}
        <Keys />
      </nav>
      <header className="topbar">
        {status.data && <Freshness status={status.data} />}
        {!status.data && !failed && <Skeleton height={20} width={180} />}
        {user && <FindHost />}
        {user && waits && (
          <Suspense>
            <Outbox user={user.id} />
          </Suspense>
        )}
        {switches}
        {user && (
          <Suspense fallback={<span className="bell-place" />}>
            <Bell />
          </Suspense>
        )}
        {user && <UserMenu user={user} />}
      </header>
      <Suspense>{user && <LiveHost />}</Suspense>
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
                void session.refetch();
                if (!enabled) return;
                void status.refetch();
                void catalog.refetch();
              }}
            />
            {!isOnline && (
              <Suspense>
                <QuickVisit />
              </Suspense>
            )}
          </main>
        ) : user && status.data && catalog.data ? (
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

/** Importing is for those only who may bring in anything. */
function Rooms() {
  const { t } = useTranslation();
  const imports = useImports();
  const mayImport = imports.orders || imports.objects.length > 0;
  return ROOMS.filter((room) => room.to !== "/import" || mayImport).map((room) => (
    <Link
      key={room.to}
      to={room.to}
      className="room"
      activeOptions={{ exact: room.to === "/" || room.to === "/records", includeSearch: false }}
    >
      <span aria-hidden="true">{room.icon}</span>
      <span>{t(room.key)}</span>
    </Link>
  ));
}

/** The kinds of record by room, below the pages; on a phone they have a page of their own. */
function Objects({ user }: { user: SessionUser }) {
  const { t } = useTranslation();
  const lang = useLang();
  const { data } = useQuery(objectsQuery);
  const isSettings = useLocation({ select: (at) => at.pathname.startsWith("/settings") });
  const settings = AREAS.find((a) => user.admin.includes(a.area));
  return (
    <>
      <div className="rail-objects">
        {/* Customers have a page of their own above. */}
        {roomsOf((data ?? []).filter((o) => o.id !== "customer")).map(({ room, objects }) => (
          <section key={room} aria-label={t(`rooms.${room}`)}>
            <h2>{t(`rooms.${room}`)}</h2>
            {objects.map((object) => (
              <Link
                key={object.id}
                to="/records/$object"
                params={{ object: object.id }}
                className="object"
                activeOptions={{ includeSearch: false }}
              >
                {pickText(object.name, lang)}
              </Link>
            ))}
          </section>
        ))}
      </div>
      {settings && (
        <Link to={settings.to} className={isSettings ? "room settings-room active" : "room settings-room"}>
          <span aria-hidden="true">
            <SettingOutlined />
          </span>
          <span>{t("nav.settings")}</span>
        </Link>
      )}
    </>
  );
}

function Freshness({ status }: { status: Status }) {
  const { t } = useTranslation();
  if (!status.last_ordered_on) return <span className="fresh">{t("shell.noData")}</span>;
  const behind = status.copy_seq < status.seq;
  const [orders, customers] = [countOf(status, "order"), countOf(status, "customer")];
  return (
    <span className="fresh">
      {status.as_of && (
        <span title={t("shell.asOfHelp")}>
          <span className="fresh-word">{t("shell.asOf")}</span> <b>{status.as_of}</b>
        </span>
      )}
      <span
        className="fresh-data"
        title={
          orders === undefined || customers === undefined
            ? undefined
            : t("shell.dataHelp", { orders: exactNumber(orders), customers: exactNumber(customers) })
        }
      >
        <i className={behind ? "dot late" : "dot"} aria-hidden="true" />
        {behind ? t("shell.catchingUp") : t("shell.dataTo", { date: status.last_ordered_on })}
      </span>
      {status.demo && <span className="chip">{t("shell.demo")}</span>}
    </span>
  );
}
