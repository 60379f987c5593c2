// Loading, empty and failed: what every view shows while it has no data.
import { Alert, Button } from "antd";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { ApiError } from "../api/client";
import { useOnline } from "./use-online";

/** A grey block of the final size, so that nothing jumps when data comes. */
export function Skeleton({ height, width }: { height: number | string; width?: number | string }) {
  return <div className="skeleton" style={{ height, width }} aria-hidden="true" />;
}

export function LoadError({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const { t } = useTranslation();
  const problem = error instanceof ApiError ? error.problem : null;
  const places = problem?.at ?? [];
  const isOnline = useOnline();
  const lost = isOnline
    ? { title: t("error.unreachable"), help: t("error.unreachableHelp") }
    : { title: t("error.offline"), help: t("error.offlineHelp") };
  return (
    <Alert
      type="error"
      showIcon
      title={problem?.title || lost.title}
      description={
        <>
          <div>{problem?.title ? problem.detail : lost.help}</div>
          {places.length > 0 && (
            <ul className="places">
              {places.map((place, i) => (
                <li key={i}>
                  {[
                    place.file,
                    place.row !== undefined && place.row !== null ? t("error.row", { row: place.row }) : "",
                    place.column ? t("error.column", { column: place.column }) : "",
                  ]
                    .filter(Boolean)
                    .join(" · ")}
                </li>
              ))}
            </ul>
          )}
          {onRetry && (
            <Button className="retry" onClick={onRetry}>
              {t("error.retry")}
            </Button>
          )}
        </>
      }
    />
  );
}

export function Empty({
  title,
  children,
  action,
}: {
  title: string;
  children?: ReactNode;
  action?: ReactNode;
}) {
  return (
    <div className="empty">
      <svg viewBox="0 0 120 60" aria-hidden="true">
        <path d="M4 56h112" />
        <rect x="14" y="34" width="14" height="22" />
        <rect x="38" y="22" width="14" height="34" />
        <rect x="62" y="28" width="14" height="28" />
        <rect x="86" y="10" width="14" height="46" />
      </svg>
      <h2>{title}</h2>
      {children && <div className="empty-text">{children}</div>}
      {action}
    </div>
  );
}
