// Parts that all batches share: counts in words, progress with a stop, undo.
import { Button, Progress } from "antd";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { type BatchAnswer, batchProgress, stopBatch } from "../api/batches";
import "../i18n/batches";
import { exactNumber } from "./format";

const POLL_MS = 300;

export function Counts({ answer }: { answer: BatchAnswer }) {
  const { t } = useTranslation();
  const all = [
    ["created", answer.n_created],
    ["updated", answer.n_updated],
    ["deleted", answer.n_deleted],
    ["unchanged", answer.n_unchanged],
    ["wrong", answer.n_wrong],
  ] as const;
  return (
    <ul className="batch-counts">
      {all
        .filter(([, n]) => n > 0)
        .map(([kind, n]) => (
          <li key={kind} className={kind === "wrong" ? "chip bad" : "chip"}>
            {t(`batches.counts.${kind}`, { n: exactNumber(n) })}
          </li>
        ))}
    </ul>
  );
}

/** Of a batch that is under way. */
export function UnderWay({ of, isWriting }: { of: string; isWriting: boolean }) {
  const { t } = useTranslation();
  const [at, setAt] = useState({ n_done: 0, n_all: 0 });
  useEffect(() => {
    const timer = setInterval(() => {
      batchProgress(of).then(setAt, () => {});
    }, POLL_MS);
    return () => clearInterval(timer);
  }, [of]);
  const numbers = { done: exactNumber(at.n_done), all: exactNumber(at.n_all) };
  const text =
    at.n_all === 0
      ? t("batches.working")
      : isWriting
        ? t("batches.writing", numbers)
        : t("batches.checking", numbers);
  return (
    <div className="batch-progress">
      <span role="status">{text}</span>
      <Progress
        aria-label={text}
        percent={at.n_all === 0 ? 0 : Math.floor((100 * at.n_done) / at.n_all)}
        size="small"
        showInfo={false}
        status="active"
      />
      <Button size="small" onClick={() => void stopBatch(of).catch(() => {})}>
        {t("batches.stop")}
      </Button>
    </div>
  );
}
