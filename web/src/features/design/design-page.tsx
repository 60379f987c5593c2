// What objects there are, those of one's own first; versions, and the trash.
import { PlusOutlined } from "@ant-design/icons";
import { useMutation, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { App, Button } from "antd";
import { useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import {
  changeDesign,
  type Design,
  type DesignChange,
  type DesignedObject,
  type DesignOutcome,
  designQuery,
  discardTrashed,
  exportDesign,
  restoreTrashed,
  rollBack,
  type Trashed,
} from "../../api/design";
import { useLang } from "../../i18n";
import "../../i18n/design";
import { Confirm } from "../../ui/dialog";
import { pickText, showInstant } from "../../ui/format";
import { Panel } from "../../ui/panel";
import { useObjects } from "../../ui/session";
import { SettingsFrame } from "../../ui/settings-frame";
import { Empty, LoadError, Skeleton } from "../../ui/states";
import "./design.css";
import { OwnMetrics } from "./own-metrics";
import { Preview } from "./preview";
import { useDesignChanged } from "./use-changed";

/** A change that is looked at before it is made. */
type Asked = {
  outcome: DesignOutcome;
  apply: (note: string) => Promise<DesignOutcome>;
  /** The version says itself why it is there. */
  isNoted: boolean;
};

export function DesignPage() {
  const { t } = useTranslation();
  const { data, error, refetch } = useQuery(designQuery);
  return (
    <SettingsFrame
      area="design"
      title={t("design.title")}
      note={t("design.note")}
      actions={
        <>
          <Link to="/settings/packs" className="button-link plain">
            {t("design.packs.open")}
          </Link>
          <Link to="/settings/design/$object" params={{ object: "new" }} className="button-link">
            <PlusOutlined aria-hidden="true" /> {t("design.new")}
          </Link>
        </>
      }
    >
      {error ? (
        <LoadError error={error} onRetry={() => refetch()} />
      ) : data ? (
        <Objects design={data} />
      ) : (
        <Skeleton height={400} />
      )}
    </SettingsFrame>
  );
}

function Objects({ design }: { design: Design }) {
  const { t } = useTranslation();
  const [asked, setAsked] = useState<Asked | null>(null);
  const [fault, setFault] = useState<string | null>(null);
  const ask: Ask = (look, apply, isNoted = false) => {
    setFault(null);
    look().then(
      (outcome) => setAsked({ outcome, apply, isNoted }),
      (error: Error) => setFault(error.message || t("error.unreachable")),
    );
  };
  const own = design.objects.filter((o) => o.kind === "own" || o.kind === "file");
  const given = design.objects.filter((o) => o.kind === "product");
  return (
    <>
      {fault && (
        <p className="wrong" role="alert">
          {fault}
        </p>
      )}
      <Panel title={t("design.own")} note={t("design.ownNote")}>
        {own.length === 0 ? (
          <Empty title={t("design.ownEmpty")}>
            <p>{t("design.ownEmptyText")}</p>
          </Empty>
        ) : (
          <Cards objects={own} />
        )}
      </Panel>
      <Panel title={t("design.product")} note={t("design.productNote")}>
        <Cards objects={given} />
      </Panel>
      <OwnMetrics metrics={design.metrics} />
      <Files design={design} onAsk={ask} />
      <Trash design={design} onAsk={ask} />
      <Versions design={design} onAsk={ask} />
      {asked && (
        <Preview
          steps={asked.outcome.steps}
          isNoted={asked.isNoted}
          onApply={asked.apply}
          onClose={() => setAsked(null)}
        />
      )}
    </>
  );
}

function Cards({ objects }: { objects: DesignedObject[] }) {
  const { t } = useTranslation();
  const lang = useLang();
  return (
    <ul className="design-cards">
      {objects.map((object) => (
        <li key={object.id}>
          <Link to="/settings/design/$object" params={{ object: object.id }}>
            <strong>{pickText(object.name, lang)}</strong>
            <span className="muted">
              {t("design.fields", { n: object.n_fields })}
              {object.kind === "product" && object.n_added > 0
                ? ` · ${t("design.added", { n: object.n_added })}`
                : ""}
              {object.kind === "file" ? ` · ${t("design.file")}` : ""}
            </span>
          </Link>
        </li>
      ))}
    </ul>
  );
}

type Ask = (look: () => Promise<DesignOutcome>, apply: Asked["apply"], isNoted?: boolean) => void;

function Files({ design, onAsk }: { design: Design; onAsk: Ask }) {
  const { t } = useTranslation();
  const { message } = App.useApp();
  const input = useRef<HTMLInputElement>(null);
  const save = useMutation({
    mutationFn: exportDesign,
    onSuccess: (pack) => {
      const url = URL.createObjectURL(
        new Blob([JSON.stringify(pack, null, 2)], { type: "application/json" }),
      );
      const link = document.createElement("a");
      link.href = url;
      link.download = "keji-definitions.json";
      link.click();
      URL.revokeObjectURL(url);
    },
    onError: (error) => void message.error(error.message || t("error.unreachable")),
  });
  const take = async (file: File) => {
    const files = readPack(await file.text());
    if (!files) return void message.error(t("design.notPack"));
    const change = (dry_run: boolean, note: string): DesignChange => ({
      version: design.version,
      note,
      dry_run,
      objects: [],
      files,
    });
    onAsk(
      () => changeDesign(change(true, "")),
      (note) => changeDesign(change(false, note || file.name)),
    );
  };
  return (
    <div className="controls design-files">
      <Button onClick={() => save.mutate()} loading={save.isPending} disabled={design.version === 0}>
        {t("design.export")}
      </Button>
      <Button onClick={() => input.current?.click()}>{t("design.import")}</Button>
      <input
        ref={input}
        type="file"
        accept=".json,application/json"
        aria-label={t("design.import")}
        className="visually-hidden"
        tabIndex={-1}
        onChange={(event) => {
          const file = event.target.files?.[0];
          event.target.value = "";
          if (file) void take(file);
        }}
      />
      <span className="note">{t("design.importHelp")}</span>
    </div>
  );
}

/** The files of an exported pack; null of anything else. */
function readPack(text: string): Record<string, string> | null {
  try {
    const read: unknown = JSON.parse(text);
    if (typeof read !== "object" || read === null || !("format" in read) || !("files" in read)) return null;
    if (read.format !== "keji-definitions" || typeof read.files !== "object" || read.files === null)
      return null;
    const all = Object.entries(read.files);
    return all.every(([, file]) => typeof file === "string") ? Object.fromEntries(all) : null;
  } catch {
    return null;
  }
}

function Trash({ design, onAsk }: { design: Design; onAsk: Ask }) {
  const { t } = useTranslation();
  const lang = useLang();
  const changed = useDesignChanged();
  const { message } = App.useApp();
  const [gone, setGone] = useState<Trashed | null>(null);
  const discard = useMutation({
    mutationFn: (one: Trashed) => discardTrashed({ object: one.object, field: one.field ?? null }),
    onSuccess: changed,
    onError: (error) => void message.error(error.message || t("error.unreachable")),
    onSettled: () => setGone(null),
  });
  const nameOf = (one: Trashed) =>
    one.field ? `${pickText(one.object_name, lang)} · ${pickText(one.name, lang)}` : pickText(one.name, lang);
  return (
    <Panel title={t("design.trash")} note={t("design.trashNote")}>
      {design.trash.length === 0 ? (
        <p className="muted">{t("design.trashEmpty")}</p>
      ) : (
        <ul className="design-rows">
          {design.trash.map((one) => (
            <li key={`${one.object}.${one.field ?? ""}`}>
              <span className="grow">
                <strong>{nameOf(one)}</strong>{" "}
                <span className="muted">
                  {t(one.field ? "design.values" : "design.records", { n: one.n_records })} ·{" "}
                  {t("design.until", { at: showInstant(one.until) })}
                </span>
              </span>
              <Button
                onClick={() => {
                  const body = (dry_run: boolean) => ({
                    version: design.version,
                    place: { object: one.object, field: one.field ?? null },
                    dry_run,
                  });
                  onAsk(
                    () => restoreTrashed(body(true)),
                    () => restoreTrashed(body(false)),
                    true,
                  );
                }}
              >
                {t("design.restore")}
              </Button>
              <Button danger onClick={() => setGone(one)}>
                {t("design.discard")}
              </Button>
            </li>
          ))}
        </ul>
      )}
      {gone && (
        <Confirm
          title={t("design.discardSure", { name: nameOf(gone) })}
          action={t("design.discard")}
          isBusy={discard.isPending}
          onConfirm={() => discard.mutate(gone)}
          onClose={() => setGone(null)}
        />
      )}
    </Panel>
  );
}

function Versions({ design, onAsk }: { design: Design; onAsk: Ask }) {
  const { t } = useTranslation();
  const back = (to: number) => {
    const body = { version: design.version, to };
    onAsk(
      () => rollBack({ ...body, note: "", dry_run: true }),
      (note) => rollBack({ ...body, note, dry_run: false }),
    );
  };
  const lang = useLang();
  const objects = useObjects();
  /** Going back is noted as `→ 3` and why, what came back from the trash as `+ object.field`. */
  const said = (note: string) => {
    const [, to, why] = /^→ (\d+)(?: (.*))?$/s.exec(note) ?? [];
    if (to) {
      const went = t("design.wentBack", {
        to: to === "0" ? t("design.first") : t("design.version", { n: to }),
      });
      return why ? `${went} · ${why}` : went;
    }
    const [, id, fieldId] = /^\+ (\w+)(?:\.(\w+))?$/.exec(note) ?? [];
    if (!id) return note;
    const object = objects.find((o) => o.id === id);
    const field = object?.fields.find((f) => f.id === fieldId);
    const names = [pickText(object?.name, lang) || id, pickText(field?.name, lang) || fieldId];
    return t("design.cameBack", { name: names.filter(Boolean).join(" · ") });
  };
  return (
    <Panel title={t("design.versions")}>
      {design.versions.length === 0 ? (
        <p className="muted">{t("design.versionsEmpty")}</p>
      ) : (
        <ul className="design-rows">
          {design.versions.map((one) => (
            <li key={one.version}>
              <span className="grow">
                <strong>{t("design.version", { n: one.version })}</strong>{" "}
                <span className="muted">
                  {showInstant(one.at)} · {one.actor}
                  {one.note && ` · ${said(one.note)}`}
                </span>
              </span>
              {one.version === design.version ? (
                <span className="chip">{t("design.inForce")}</span>
              ) : (
                <Button onClick={() => back(one.version)}>{t("design.back")}</Button>
              )}
            </li>
          ))}
          <li>
            <span className="grow">{t("design.first")}</span>
            <Button onClick={() => back(0)}>{t("design.back")}</Button>
          </li>
        </ul>
      )}
    </Panel>
  );
}
