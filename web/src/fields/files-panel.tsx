// The files of one record, with their content: dropped or chosen, sent at
// once, each with how far it is; listed, opened and downloaded.
import { UploadOutlined } from "@ant-design/icons";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Button, Progress } from "antd";
import { type DragEvent, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { addFile, FILE } from "../api/files";
import { type ObjectDef, type RecordRow, recordsQuery } from "../api/records";
import { exactNumber, NO_VALUE, showBytes } from "../ui/format";
import { Panel } from "../ui/panel";
import { useObjects } from "../ui/session";
import { LoadError, Skeleton } from "../ui/states";
import { FileLinks, hasContents } from "./file-content";
import { findObject, linksTo, mayDo, titleOf } from "./record";
import { RecordLink } from "./record-value";

const N_ROWS = 20;

type Sending = { key: number; file: File; sent: number; error?: unknown };

function wishKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((b) => b.toString(16).padStart(2, "0")).join("");
}

/** Nothing where files have no link to such records, or the reader sees none. */
export function FilesPanel({ object, id }: { object: string; id: number }) {
  const objects = useObjects();
  const files = findObject(objects, FILE);
  const link = linksTo(objects, object).find((l) => l.object.id === FILE);
  if (!files || !link) return null;
  return <Files key={`${object}.${id}`} files={files} field={link.field.id} id={id} />;
}

function Files({ files, field, id }: { files: ObjectDef; field: string; id: number }) {
  const { t } = useTranslation();
  const cache = useQueryClient();
  const picker = useRef<HTMLInputElement>(null);
  const next = useRef(0);
  const stops = useRef(new Map<number, AbortController>());
  const [list, setList] = useState<Sending[]>([]);
  const [over, setOver] = useState(false);
  const where = `${field} = ${id}`;
  const page = useQuery(recordsQuery(FILE, { where, sort: "-id", limit: N_ROWS, count: true }));
  const mayAdd = mayDo(files, "create") && hasContents(files);
  useEffect(() => {
    const all = stops.current;
    return () => {
      for (const stop of all.values()) stop.abort();
    };
  }, []);

  const put = (key: number, part: Partial<Sending>) =>
    setList((now) => now.map((s) => (s.key === key ? { ...s, ...part } : s)));
  const done = (key: number) => setList((now) => now.filter((s) => s.key !== key));
  const send = async (chosen: File[]) => {
    const items = chosen.map((file): Sending => ({ key: next.current++, file, sent: 0 }));
    setList((now) => [...now.filter((s) => s.error === undefined), ...items]);
    for (const { key } of items) stops.current.set(key, new AbortController());
    for (const { key, file } of items) {
      const stop = stops.current.get(key);
      if (!stop || stop.signal.aborted) continue;
      try {
        const values = { name: file.name, [field]: id };
        await addFile(file, values, wishKey(), (sent) => put(key, { sent }), stop.signal);
        await cache.invalidateQueries({ queryKey: ["records"] });
        done(key);
      } catch (error) {
        if (stop.signal.aborted) done(key);
        else put(key, { error });
      }
    }
  };
  const stopOne = (key: number) => {
    stops.current.get(key)?.abort();
    done(key);
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    void send([...event.dataTransfer.files]);
  };
  const total = page.data?.total ?? 0;
  return (
    <div
      className={over ? "files over" : "files"}
      {...(mayAdd
        ? {
            onDragOver: (e: DragEvent) => {
              e.preventDefault();
              setOver(true);
            },
            onDragLeave: () => setOver(false),
            onDrop: drop,
          }
        : {})}
    >
      <Panel
        title={t("files.title")}
        note={mayAdd ? t("files.note") : undefined}
        actions={
          mayAdd && (
            <Button icon={<UploadOutlined aria-hidden="true" />} onClick={() => picker.current?.click()}>
              {t("files.choose")}
            </Button>
          )
        }
      >
        {mayAdd && (
          <input
            ref={picker}
            type="file"
            multiple
            className="visually-hidden"
            tabIndex={-1}
            aria-label={t("files.choose")}
            onChange={(e) => {
              void send([...(e.target.files ?? [])]);
              e.target.value = "";
            }}
          />
        )}
        {list.length > 0 && (
          <ul className="uploads" aria-label={t("files.uploads")} aria-live="polite">
            {list.map((item) => (
              <li key={item.key}>
                <span className="upload-name">
                  {item.file.name}
                  <small className="note">
                    {showBytes(item.sent)} / {showBytes(item.file.size)}
                  </small>
                </span>
                {item.error === undefined ? (
                  <>
                    <Progress
                      size="small"
                      aria-label={t("files.sending", { name: item.file.name })}
                      percent={item.file.size ? Math.floor((item.sent / item.file.size) * 100) : 0}
                    />
                    <Button size="small" onClick={() => stopOne(item.key)}>
                      {t("files.stop")}
                    </Button>
                  </>
                ) : (
                  <LoadError error={item.error} />
                )}
              </li>
            ))}
          </ul>
        )}
        {page.error ? (
          <LoadError error={page.error} onRetry={() => page.refetch()} />
        ) : !page.data ? (
          <Skeleton height={80} />
        ) : page.data.rows.length === 0 ? (
          <p className="nothing">{t("files.none")}</p>
        ) : (
          <FileTable files={files} rows={page.data.rows} />
        )}
        {total > N_ROWS && (
          <Link to="/records/$object" params={{ object: FILE }} search={{ where }}>
            {t("files.all", { n: exactNumber(total) })}
          </Link>
        )}
      </Panel>
    </div>
  );
}

function FileTable({ files, rows }: { files: ObjectDef; rows: RecordRow[] }) {
  const { t } = useTranslation();
  return (
    <div className="table-scroll" tabIndex={0} role="region" aria-label={t("files.title")}>
      <table className="table as-cards">
        <thead>
          <tr>
            <th scope="col">{t("files.name")}</th>
            <th scope="col">{t("files.type")}</th>
            <th scope="col" className="num">
              {t("files.size")}
            </th>
            <th scope="col">{t("files.added")}</th>
            <th scope="col">{t("files.content")}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.id}>
              <td data-head={t("files.name")}>
                <RecordLink object={FILE} id={row.id} title={titleOf(files, row)} />
              </td>
              <td data-head={t("files.type")}>{String(row.values.media_type ?? NO_VALUE)}</td>
              <td data-head={t("files.size")} className="num">
                {typeof row.values.size_bytes === "number" ? showBytes(row.values.size_bytes) : NO_VALUE}
              </td>
              <td data-head={t("files.added")} className="nowrap">
                {String(row.values.added_on ?? NO_VALUE)}
              </td>
              <td data-head={t("files.content")}>
                <FileLinks files={files} row={row} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
