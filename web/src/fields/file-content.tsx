// The content of one file: opened, downloaded, and put in the place of another.
import { DownloadOutlined, UploadOutlined } from "@ant-design/icons";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Alert, Button, Progress } from "antd";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { contentPath, FILE, replaceContent } from "../api/files";
import type { Held, ObjectDef, RecordRow } from "../api/records";
import { statusOf } from "../api/request";
import { NO_VALUE } from "../ui/format";
import { Panel } from "../ui/panel";
import { mayDo, titleOf } from "./record";

/** What a role has to see for the content to be there for it. */
const OF_CONTENT = ["size_bytes", "media_type", "checksum"];
/** What a browser shows itself. */
const SHOWN = /^(image\/(png|jpeg|gif|webp)|application\/pdf)$/;

export const hasContents = (files: ObjectDef): boolean =>
  OF_CONTENT.every((id) => files.fields.some((f) => f.id === id && !f.is_masked));

export function FileLinks({ files, row }: { files: ObjectDef; row: RecordRow }) {
  const { t } = useTranslation();
  const name = titleOf(files, row);
  if (!hasContents(files) || !row.values.checksum) return NO_VALUE;
  const path = contentPath(row.id);
  return (
    <span className="file-links">
      <a href={path} download={name} aria-label={t("files.downloadOf", { name })}>
        <DownloadOutlined aria-hidden="true" /> {t("files.download")}
      </a>
      {SHOWN.test(String(row.values.media_type)) && (
        <a href={path} target="_blank" rel="noreferrer" aria-label={t("files.openOf", { name })}>
          {t("files.open")}
        </a>
      )}
    </span>
  );
}

export function FileContent({ object, record }: { object: ObjectDef; record: Held }) {
  const { t } = useTranslation();
  const cache = useQueryClient();
  const picker = useRef<HTMLInputElement>(null);
  const stop = useRef<AbortController>(null);
  const [sent, setSent] = useState(0);
  useEffect(() => () => stop.current?.abort(), []);
  const replace = useMutation({
    mutationFn: (file: File) => {
      stop.current = new AbortController();
      setSent(0);
      const share = (bytes: number) => setSent(file.size ? Math.floor((bytes / file.size) * 100) : 0);
      return replaceContent(record.id, file, record.etag, share, stop.current.signal);
    },
    onSettled: () => cache.invalidateQueries({ queryKey: ["records"] }),
  });
  if (!hasContents(object)) return null;
  const isThere = Boolean(record.values.checksum);
  const mayReplace = mayDo(object, "update");
  return (
    <Panel
      title={t("files.content")}
      note={isThere && mayReplace ? t("files.replaceNote") : undefined}
      actions={
        mayReplace && (
          <Button
            icon={<UploadOutlined aria-hidden="true" />}
            loading={replace.isPending}
            onClick={() => picker.current?.click()}
          >
            {isThere ? t("files.replace") : t("files.give")}
          </Button>
        )
      }
    >
      {isThere ? (
        <FileLinks files={object} row={record} />
      ) : (
        <p className="nothing">{t("files.noContent")}</p>
      )}
      {replace.isPending && (
        <Progress size="small" aria-label={t("files.sending", { name: FILE })} percent={sent} />
      )}
      {replace.error && (
        <Alert
          type="error"
          showIcon
          title={
            statusOf(replace.error) === 412
              ? t("record.changedShort")
              : replace.error.message || t("error.unreachable")
          }
        />
      )}
      <input
        ref={picker}
        type="file"
        className="visually-hidden"
        tabIndex={-1}
        aria-label={isThere ? t("files.replace") : t("files.give")}
        onChange={(e) => {
          const file = e.target.files?.[0];
          e.target.value = "";
          if (file) replace.mutate(file);
        }}
      />
    </Panel>
  );
}
