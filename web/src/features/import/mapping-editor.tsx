// Which column is what? Shown when the file does not say it clearly, and when
// somebody wants to look first. Every change shows at once how the first rows
// are read.
import { useMutation, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Alert, Button, Input } from "antd";
import { useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { previewImport, previewQuery } from "../../api/queries";
import type { ColumnMapping, Import, Mapping } from "../../api/types";
import { findObject } from "../../fields/record";
import { useLang } from "../../i18n";
import { useCatalog } from "../../ui/catalog";
import { pickText } from "../../ui/format";
import { useObjects } from "../../ui/session";
import { LoadError, Skeleton } from "../../ui/states";
import { ColumnHead } from "./column-head";
import {
  asMapping,
  change,
  fieldsOf,
  missing,
  NEED_NAMES,
  placesOf,
  rehead,
  sheetsOf,
  viewOf,
} from "./draft";
import { PreviewTable } from "./preview-table";
import { isReason } from "./reasons";
import { SourceInput } from "./source-input";
import { useDelayed } from "./use-delayed";

/** Long enough that choosing three fields in a row asks once or twice. */
const TYPING_MS = 300;

export function MappingEditor({
  run,
  proposal,
  busy,
  error,
  onContinue,
}: {
  run: Import;
  proposal: Mapping;
  busy: boolean;
  error: Error | null;
  onContinue: (mapping: Mapping, saveAs: string) => void;
}) {
  const { t } = useTranslation();
  const lang = useLang();
  const catalog = useCatalog();
  const plain = findObject(useObjects(), run.object ?? "");
  const [draft, setDraft] = useState(proposal);
  const [saveAs, setSaveAs] = useState(run.source ?? "");
  const [given, setGiven] = useState("");
  const sent = useDelayed(draft, TYPING_MS);
  const preview = useQuery(previewQuery(run.id, asMapping(sent)));
  const shown = preview.data;
  const layout = useMutation({
    mutationFn: (part: Partial<Mapping>) =>
      previewImport(run.id, { ...asMapping(draft), ...part, columns: [] }),
    onSuccess: (read, part) =>
      setDraft({
        ...draft,
        ...part,
        columns: rehead(read.header, read.rows, [...draft.columns, ...proposal.columns]),
      }),
  });

  const groups = fieldsOf(catalog, plain);
  const fields = groups.flatMap((g) => g.fields);
  const nameOf = (path: string | null | undefined) => {
    const field = fields.find((f) => f.path === path);
    return field ? pickText(field.name, lang) : "";
  };
  const header = shown?.header ?? draft.columns.map((c) => c.heading);
  const places = placesOf(header, draft.columns);
  const lacking = run.object ? [] : missing(draft.columns);
  const isStale = preview.isFetching || sent !== draft;
  const edit = (at: number, part: Partial<ColumnMapping>) => {
    const before = part.field ? draft.columns.find((c, i) => i !== at && c.field === part.field) : undefined;
    setGiven(before ? t("mapping.moved", { name: before.heading, field: nameOf(part.field) }) : "");
    setDraft({ ...draft, columns: change(draft.columns, at, part) });
  };
  const join = (names: string[]) => names.join(lang === "zh" ? "、" : ", ");
  const notes = draft.notes ?? [];
  const headings = new Set(draft.columns.map((c) => c.heading));
  // What is about a column stands there, and what is missing is said above.
  const general = notes.filter(
    (n) => !n.code.startsWith("missing_") && !(n.columns ?? []).some((c) => headings.has(c)),
  );
  // What orders lack is said above; of plain records the server knows it.
  const isSaid = shown?.problem?.code === "mapping_incomplete" && !run.object;
  const problem = shown?.problem && !isSaid ? shown.problem : null;
  const faulty = (shown?.rows ?? []).filter((r) => r.problem).length;
  const isReady = lacking.length === 0 && !problem && !preview.error;
  return (
    <section className="panel mapping">
      <header className="panel-head">
        <div>
          <h2>{t("mapping.title")}</h2>
          <p className="note">{t("mapping.help")}</p>
        </div>
      </header>
      {!run.object && <Needs lacking={lacking} />}
      {general.length > 0 && (
        <ul className="places">
          {general.map((note, i) => (
            <li key={i}>
              {[
                nameOf(note.field),
                isReason(note.code) ? t(`mapping.reasons.${note.code}`) : note.code,
                join(note.columns ?? []),
              ]
                .filter(Boolean)
                .join(" · ")}
            </li>
          ))}
        </ul>
      )}
      <Layout
        draft={draft}
        read={shown?.sheets ?? []}
        all={sheetsOf(proposal, shown?.sheets ?? [])}
        busy={layout.isPending}
        onChange={(part) => layout.mutate(part)}
      />
      {layout.error && <LoadError error={layout.error} />}
      {preview.error && <LoadError error={preview.error} onRetry={() => preview.refetch()} />}
      {problem && <Alert type="warning" showIcon title={pickText(problem, lang)} />}
      <p className="note" role="status">
        {given ||
          (faulty > 0
            ? t("mapping.faulty", { n: faulty, all: shown?.rows.length ?? 0 })
            : shown && isReady
              ? t("mapping.sound", { n: shown.rows.length })
              : " ")}
      </p>
      <div className={isStale ? "answer stale" : "answer"} aria-busy={isStale}>
        {!shown && preview.isPending ? (
          <Skeleton height={420} />
        ) : (
          <PreviewTable
            columns={draft.columns}
            places={places}
            preview={shown}
            head={(at) => {
              const column = draft.columns[at];
              if (!column) return null;
              const field = fields.find((f) => f.path === column.field);
              const [isNumber, isDay] = [field?.isNumber ?? false, field?.isDay ?? false];
              return (
                <ColumnHead
                  column={column}
                  doubts={notes.filter((n) => (n.columns ?? []).includes(column.heading)).map((n) => n.code)}
                  view={viewOf(column, isNumber, isDay, places[at] ?? -1, shown)}
                  plain={plain}
                  takenBy={(field) => draft.columns.find((c, i) => i !== at && c.field === field)?.heading}
                  onChange={(part) => edit(at, part)}
                />
              );
            }}
          />
        )}
      </div>
      <div className="save-as">
        <SourceInput
          label={t("mapping.saveAs")}
          help={t("mapping.saveAsHelp")}
          value={saveAs}
          onChange={setSaveAs}
        />
      </div>
      {error && <LoadError error={error} />}
      <div className="controls">
        <Button
          type="primary"
          size="large"
          loading={busy}
          disabled={!isReady}
          onClick={() => onContinue(asMapping(draft), saveAs.trim())}
        >
          {run.dry_run ? t("mapping.go.check") : t(`mapping.go.${run.mode}`)}
        </Button>
        <Link to="/import">{t("mapping.later")}</Link>
      </div>
    </section>
  );
}

/** What every file needs, and what of it is still to be named. */
function Needs({ lacking }: { lacking: readonly string[] }) {
  const { t } = useTranslation();
  return (
    <ul className="needs" aria-live="polite" aria-label={t("mapping.needs.title")}>
      {NEED_NAMES.map((need) => {
        const isThere = !lacking.includes(need);
        return (
          <li key={need} className={isThere ? "there" : ""}>
            {isThere
              ? t("mapping.needs.there", { name: t(`mapping.needs.${need}`) })
              : t("mapping.needs.lacks", { name: t(`mapping.needs.${need}`) })}
          </li>
        );
      })}
    </ul>
  );
}

/** Where the table stands in the file: the row of its headings, its sheets. */
function Layout({
  draft,
  read,
  all,
  busy,
  onChange,
}: {
  draft: Mapping;
  read: string[];
  all: string[];
  busy: boolean;
  onChange: (part: Partial<Mapping>) => void;
}) {
  const { t } = useTranslation();
  const id = useId();
  const [text, setText] = useState<string | null>(null);
  const chosen = draft.sheets?.length ? draft.sheets : read;
  const commit = () => {
    const row = Number(text);
    if (text !== null && Number.isInteger(row) && row > 0 && row !== draft.header_row)
      onChange({ header_row: row });
    setText(null);
  };
  return (
    <div className="layout-of" aria-busy={busy}>
      <label className="switch" htmlFor={`${id}row`}>
        {t("mapping.headerRow")}
        <Input
          id={`${id}row`}
          className="header-row"
          inputMode="numeric"
          disabled={busy}
          placeholder={t("mapping.found")}
          value={text ?? (draft.header_row ? String(draft.header_row) : "")}
          onChange={(e) => setText(e.target.value.replace(/\D/g, ""))}
          onBlur={commit}
          onPressEnter={commit}
        />
      </label>
      {all.length > 1 && (
        <fieldset>
          <legend>{t("mapping.sheets")}</legend>
          {all.map((sheet) => (
            <label key={sheet} className="switch">
              <input
                type="checkbox"
                checked={chosen.includes(sheet)}
                disabled={busy || (chosen.length === 1 && chosen.includes(sheet))}
                onChange={(e) =>
                  onChange({
                    // The headings of another sheet may stand in another row.
                    header_row: 0,
                    sheets: all.filter((s) => (s === sheet ? e.target.checked : chosen.includes(s))),
                  })
                }
              />
              {sheet}
            </label>
          ))}
        </fieldset>
      )}
    </div>
  );
}
