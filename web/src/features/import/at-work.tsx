// An import that is under way. Its state is the server's: a reload shows it
// again, and a server that comes back goes on with it.
import { Alert, Button, Progress } from "antd";
import { useTranslation } from "react-i18next";
import type { Import } from "../../api/types";
import { useLang } from "../../i18n";
import { exactNumber, NO_VALUE, showBytes, showSeconds } from "../../ui/format";
import { Fact } from "./facts";

const STAGES = ["receiving", "reading", "merging", "copying", "evaluating"] as const;
const NOT_STARTED = { bytes: 0, total_bytes: 0, rows: 0, rejected: 0, rate: 0, remaining_s: null };

export function AtWork({
  run,
  isCut,
  busy,
  onCancel,
}: {
  run: Import;
  /** The server does not answer just now. */
  isCut: boolean;
  busy: boolean;
  onCancel: () => void;
}) {
  const { t } = useTranslation();
  const lang = useLang();
  const p = run.progress ?? NOT_STARTED;
  const percent = p.total_bytes ? Math.min(100, Math.floor((p.bytes / p.total_bytes) * 100)) : 0;
  const at = (STAGES as readonly string[]).indexOf(run.stage ?? "");
  return (
    <section className="panel">
      <div role="status">
        {isCut && (
          <Alert
            type="warning"
            showIcon
            title={t("import.waitingForServer")}
            description={t("import.waitingForServerHelp")}
          />
        )}
        {run.state === "queued" && !isCut && <p className="note">{t("import.queued")}</p>}
      </div>
      <ol className="stages" aria-label={t("import.stage")}>
        {STAGES.map((stage, i) => (
          <li
            key={stage}
            className={i < at ? "past" : i === at ? "now" : ""}
            aria-current={i === at ? "step" : undefined}
          >
            {t(`import.stages.${stage}`)}
          </li>
        ))}
      </ol>
      <Progress percent={percent} status={isCut ? "normal" : "active"} aria-label={t("import.progress")} />
      <dl className="facts" aria-live="off">
        <Fact
          name={t("import.bytes")}
          value={p.total_bytes ? `${showBytes(p.bytes)} / ${showBytes(p.total_bytes)}` : showBytes(p.bytes)}
        />
        <Fact name={t("import.rows")} value={exactNumber(p.rows)} />
        <Fact name={t("import.rejected")} value={exactNumber(p.rejected)} />
        <Fact
          name={t("import.rate")}
          value={p.rate ? t("import.perSecond", { n: exactNumber(Math.round(p.rate)) }) : NO_VALUE}
        />
        <Fact
          name={t("import.remaining")}
          value={p.remaining_s == null ? NO_VALUE : showSeconds(p.remaining_s, lang)}
        />
      </dl>
      <p className="note">{t("import.leave")}</p>
      <div className="controls">
        <Button danger loading={busy} disabled={isCut} onClick={onCancel}>
          {t("import.cancel")}
        </Button>
      </div>
    </section>
  );
}
