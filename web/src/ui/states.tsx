// Loading, empty and failed: what every view shows while it has no data.
import { Alert, Button } from "antd";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { ApiError } from "../api/client";

/** A grey block of the final size, so that nothing jumps when data comes. */
export function Skeleton({ height, width }: { height: number | string; width?: number | string }) {
  return <div className="skeleton" style={{ height, width }} aria-hidden="true" />;
}

export function LoadError({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const { t } = useTranslation();
  const problem = error instanceof ApiError ? error.problem : null;
  const places = problem?.at ?? [];
  return (
    <Alert
      type="error"
      showIcon
      title={problem?.title || t("error.unreachable")}
      description={
        <>
          <div>{problem ? problem.detail : t("error.unreachableHelp")}</div>
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
        </>
      }
      action={onRetry && <Button onClick={onRetry}>{t("error.retry")}</Button>}
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
