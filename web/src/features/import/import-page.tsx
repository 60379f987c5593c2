// Bring files in, and see what was brought in before.
import "../../i18n/import";
import { InboxOutlined } from "@ant-design/icons";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { Button } from "antd";
import { type DragEvent, useCallback, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { importsQuery, isAtWork } from "../../api/queries";
import type { Import } from "../../api/types";
import type { How } from "../../api/upload";
import { exactNumber, NO_VALUE, showInstant } from "../../ui/format";
import { Panel } from "../../ui/panel";
import { useImports } from "../../ui/session";
import { Empty, LoadError, Skeleton } from "../../ui/states";
import { HowFields, lacksSource } from "./how-fields";
import { PasteBox } from "./paste-box";
import { SavedMappings } from "./saved-mappings";
import { StateTag } from "./state-tag";
import { UploadList } from "./upload-list";
import { useUploads } from "./use-uploads";

const ACCEPT = ".csv,.gz,.xlsx,.txt,.tsv";

export function ImportPage() {
  const { t } = useTranslation();
  const { orders, objects } = useImports();
  if (orders || objects.length > 0)
    return <BringIn key={String(orders)} first={orders ? undefined : objects[0]?.id} />;
  return (
    <main className="page" id="main">
      <header className="page-head">
        <h1>{t("import.title")}</h1>
      </header>
      <Empty title={t("import.notAllowed")}>{t("settings.notAllowedText")}</Empty>
    </main>
  );
}

/** `first` is the object that is offered, where the reader brings in no orders. */
function BringIn({ first }: { first: string | undefined }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const picker = useRef<HTMLInputElement>(null);
  const [how, setHow] = useState<How>({
    mode: "add",
    source: "",
    review: false,
    dryRun: false,
    object: first,
  });
  const [over, setOver] = useState(false);
  const [isRefused, setRefused] = useState(false);
  const [pasted, setPasted] = useState("");
  const uploads = useUploads(
    useCallback((id) => void navigate({ to: "/import/$id", params: { id: String(id) } }), [navigate]),
  );

  /** A file is not sent for the server to turn it away at the end. */
  const send = (files: File[]): boolean => {
    const isLacking = lacksSource(how);
    setRefused(isLacking);
    if (!isLacking) uploads.send(files, { ...how, source: how.source.trim() });
    return !isLacking;
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    send([...event.dataTransfer.files]);
  };
  const sendPasted = () => {
    const file = new File([pasted], t("import.pastedName"), { type: "text/tab-separated-values" });
    if (send([file])) setPasted("");
  };

  return (
    <main className="page" id="main">
      <header className="page-head">
        <div>
          <h1>{t("import.title")}</h1>
          <p className="note">{t(first ? "import.introRecords" : "import.intro")}</p>
        </div>
      </header>
      <div className="bring-in">
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
          <p className="drop-title">{t("import.drop")}</p>
          <Button type="primary" size="large" onClick={() => picker.current?.click()}>
            {t("import.choose")}
          </Button>
          <p className="note">{t("import.formats")}</p>
          {isRefused && lacksSource(how) && (
            <p className="wrong" role="alert">
              {t("import.replaceNeedsSource")}
            </p>
          )}
          <input
            ref={picker}
            type="file"
            multiple
            className="visually-hidden"
            tabIndex={-1}
            aria-label={t("import.choose")}
            accept={ACCEPT}
            onChange={(e) => {
              send([...(e.target.files ?? [])]);
              e.target.value = "";
            }}
          />
          <UploadList list={uploads.list} onStop={uploads.stop} />
        </div>
        <section className="panel" aria-label={t("import.how")}>
          <HowFields how={how} onChange={setHow} />
          <details className="paste-part">
            <summary>{t("import.paste")}</summary>
            <PasteBox text={pasted} onChange={setPasted} onSend={sendPasted} />
          </details>
        </section>
      </div>
      {!first && <p className="note">{t("import.demoHint")}</p>}
      <SavedMappings />
      <PastImports />
    </main>
  );
}

/** A file that waits for somebody has not been read yet. */
const countOf = (run: Import, n: number | undefined): string =>
  n === undefined || run.state === "needs_mapping" ? NO_VALUE : exactNumber(n);

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
                    {countOf(i, i.summary?.rows_read ?? i.progress?.rows)}
                  </td>
                  <td data-head={t("import.rejected")} className="num">
                    {countOf(i, i.summary?.rows_rejected ?? i.progress?.rejected)}
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
