// Bring a file in, and see what was brought in before.
import { InboxOutlined } from "@ant-design/icons";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { Button, Progress, Switch } from "antd";
import { type DragEvent, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { importsQuery, isAtWork } from "../../api/queries";
import { uploadFile } from "../../api/upload";
import { exactNumber, showBytes, showInstant } from "../../ui/format";
import { Panel } from "../../ui/panel";
import { LoadError, Skeleton } from "../../ui/states";
import { StateTag } from "./state-tag";

const ACCEPT = ".csv,.gz,.xlsx,.txt,.tsv";

type Sending = { file: File; sent: number; stop: AbortController };

export function ImportPage() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const picker = useRef<HTMLInputElement>(null);
  const [dryRun, setDryRun] = useState(false);
  const [over, setOver] = useState(false);
  const [sending, setSending] = useState<Sending | null>(null);
  const [error, setError] = useState<unknown>(null);

  const send = async (file: File | undefined) => {
    if (!file || sending) return;
    const stop = new AbortController();
    setError(null);
    setSending({ file, sent: 0, stop });
    try {
      const started = await uploadFile(file, dryRun, (sent) => setSending({ file, sent, stop }), stop.signal);
      await navigate({ to: "/import/$id", params: { id: String(started.id) } });
    } catch (failure) {
      if (!stop.signal.aborted) setError(failure);
    } finally {
      setSending(null);
    }
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    void send(event.dataTransfer.files[0]);
  };

  return (
    <main className="page" id="main">
      <header className="page-head">
        <div>
          <h1>{t("import.title")}</h1>
          <p className="note">{t("import.intro")}</p>
        </div>
      </header>
      {error !== null && <LoadError error={error} />}
      {/* biome-ignore lint/a11y/noStaticElementInteractions: dropping is the second way; the button inside is the first. */}
      <div
        className={over ? "drop over" : "drop"}
        onDragOver={(e) => {
          e.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={drop}
      >
        <InboxOutlined aria-hidden="true" />
        {sending ? (
          <div className="sending" aria-live="polite">
            <p>
              {t("import.sending", { name: sending.file.name })} · {showBytes(sending.sent)} /{" "}
              {showBytes(sending.file.size)}
            </p>
            <Progress
              aria-label={t("import.sending", { name: sending.file.name })}
              percent={sending.file.size ? Math.floor((sending.sent / sending.file.size) * 100) : 0}
            />
            <Button onClick={() => sending.stop.abort()}>{t("import.cancel")}</Button>
          </div>
        ) : (
          <>
            <p className="drop-title">{t("import.drop")}</p>
            <Button type="primary" size="large" onClick={() => picker.current?.click()}>
              {t("import.choose")}
            </Button>
            <p className="note">{t("import.formats")}</p>
            {/* biome-ignore lint/a11y/noLabelWithoutControl: the switch is the control, and is named by the label's text. */}
            <label className="switch">
              <Switch size="small" checked={dryRun} onChange={setDryRun} aria-label={t("import.dryRun")} />
              {t("import.dryRun")}
            </label>
          </>
        )}
        <input
          ref={picker}
          type="file"
          className="visually-hidden"
          tabIndex={-1}
          aria-label={t("import.choose")}
          accept={ACCEPT}
          onChange={(e) => {
            void send(e.target.files?.[0]);
            e.target.value = "";
          }}
        />
      </div>
      <p className="note">{t("import.demoHint")}</p>
      <PastImports />
    </main>
  );
}

function PastImports() {
  const { t } = useTranslation();
  const { data, error, refetch } = useQuery({
    ...importsQuery,
    refetchInterval: (q) => (q.state.data?.resources.some((i) => isAtWork(i.state)) ? 1000 : false),
    refetchOnMount: "always",
  });
  return (
    <Panel title={t("import.past")}>
      {error ? (
        <LoadError error={error} onRetry={() => refetch()} />
      ) : !data ? (
        <Skeleton height={120} />
      ) : data.resources.length === 0 ? (
        <p className="nothing">{t("import.noPast")}</p>
      ) : (
        <div className="table-scroll" tabIndex={0} role="region" aria-label={t("import.past")}>
          <table className="table as-cards">
            <thead>
              <tr>
                <th scope="col">{t("import.file")}</th>
                <th scope="col">{t("import.state")}</th>
                <th scope="col" className="num">
                  {t("import.rows")}
                </th>
                <th scope="col" className="num">
                  {t("import.rejected")}
                </th>
                <th scope="col">{t("import.at")}</th>
              </tr>
            </thead>
            <tbody>
              {data.resources.map((i) => (
                <tr key={i.id}>
                  <td data-head={t("import.file")}>
                    <Link to="/import/$id" params={{ id: String(i.id) }}>
                      {i.filename}
                    </Link>
                  </td>
                  <td data-head={t("import.state")}>
                    <StateTag state={i.state} />
                  </td>
                  <td data-head={t("import.rows")} className="num">
                    {exactNumber(i.summary?.rows_read ?? i.progress?.rows ?? 0)}
                  </td>
                  <td data-head={t("import.rejected")} className="num">
                    {exactNumber(i.summary?.rows_rejected ?? i.progress?.rejected ?? 0)}
                  </td>
                  <td data-head={t("import.at")} className="nowrap">
                    {showInstant(i.created_at)}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Panel>
  );
}
