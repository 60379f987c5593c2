// The files that are being sent, each with what became of it.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Button, Progress } from "antd";
import { useTranslation } from "react-i18next";
import { importsQuery } from "../../api/queries";
import { showBytes } from "../../ui/format";
import { LoadError } from "../../ui/states";
import { StateTag } from "./state-tag";
import type { Sending } from "./use-uploads";

export function UploadList({ list, onStop }: { list: Sending[]; onStop: (key: number) => void }) {
  const { t } = useTranslation();
  const { data } = useQuery(importsQuery);
  if (list.length === 0) return null;
  return (
    <ul className="uploads" aria-label={t("import.uploads")} aria-live="polite">
      {list.map((item) => {
        const run = data?.resources.find((i) => i.id === item.id);
        const isOut = item.id === undefined && !item.error && !item.isStopped;
        return (
          <li key={item.key}>
            <span className="upload-name">
              {item.id === undefined ? (
                item.file.name
              ) : (
                <Link to="/import/$id" params={{ id: String(item.id) }}>
                  {item.file.name}
                </Link>
              )}
              <small className="note">
                {isOut && item.sent > 0
                  ? `${showBytes(item.sent)} / ${showBytes(item.file.size)}`
                  : showBytes(item.file.size)}
              </small>
            </span>
            {run && <StateTag state={run.state} />}
            {item.isStopped && <span className="chip">{t("import.states.cancelled")}</span>}
            {isOut && (
              <>
                <Progress
                  size="small"
                  aria-label={t("import.sending", { name: item.file.name })}
                  percent={item.file.size ? Math.floor((item.sent / item.file.size) * 100) : 0}
                />
                <Button size="small" onClick={() => onStop(item.key)}>
                  {t("import.cancel")}
                </Button>
              </>
            )}
            {item.error !== undefined && <LoadError error={item.error} />}
          </li>
        );
      })}
    </ul>
  );
}
