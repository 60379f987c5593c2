// One metric of one's own: what it is, how it is made, and an example that is
// computed before the metric is taken in.
import { useMutation, useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { Button, Input } from "antd";
import { lazy, Suspense, useState } from "react";
import { useTranslation } from "react-i18next";
import { ApiError } from "../../api/client";
import {
  changeDesign,
  type DesignOutcome,
  designQuery,
  type MeasureDraft,
  type MetricDraft,
  metricDesignQuery,
} from "../../api/design";
import { rolesQuery } from "../../api/session";
import { useLang } from "../../i18n";
import "../../i18n/definition";
import "../../i18n/design";
import "../../i18n/own-metric";
import { GRAINS } from "../../charts/grains";
import { useCatalog } from "../../ui/catalog";
import { pickText } from "../../ui/format";
import { Panel } from "../../ui/panel";
import { SettingsFrame } from "../../ui/settings-frame";
import { Labelled } from "../../ui/side-form";
import { LoadError, Skeleton } from "../../ui/states";
import "./design.css";
import type { Fault } from "./draft";
import {
  AGGS,
  DIRECTIONS,
  METRIC_UNITS,
  metricFaults,
  newMetric,
  sampleOf,
  WAYS,
  type Way,
  wayOf,
  withWay,
} from "./metric-draft";
import { Preview } from "./preview";
import { TwoTexts } from "./two-texts";

const ExampleEditor = lazy(() => import("./example-editor").then((m) => ({ default: m.ExampleEditor })));

export function MetricDesignPage() {
  const { id } = useParams({ from: "/settings/design/metrics/$id" });
  const isNew = id === "new";
  const { t } = useTranslation();
  const lang = useLang();
  const catalog = useCatalog();
  const design = useQuery(designQuery);
  const found = useQuery({ ...metricDesignQuery(id), enabled: !isNew });
  const error = design.error ?? (isNew ? null : found.error);
  const draft = isNew ? newMetric(catalog.objects.find((o) => o.id === "order")) : found.data?.draft;
  const named = design.data?.metrics.find((m) => m.id === id)?.name;
  return (
    <SettingsFrame
      area="design"
      title={isNew ? t("ownMetric.new") : pickText(named, lang) || id}
      note={t("ownMetric.note")}
      actions={
        <>
          {!isNew && (
            <Link to="/metrics/$id" params={{ id }} className="button-link plain">
              {t("explain.metric")}
            </Link>
          )}
          <Link to="/settings/design" className="button-link plain">
            {t("design.title")}
          </Link>
        </>
      }
    >
      {error ? (
        <LoadError error={error} onRetry={() => found.refetch()} />
      ) : !design.data || (!isNew && !found.data) ? (
        <Skeleton height={480} />
      ) : draft ? (
        <Editor
          key={`${id} ${design.data.version}`}
          id={isNew ? "" : id}
          given={draft}
          version={design.data.version}
        />
      ) : (
        <Panel title={t("ownMetric.how")} note={t("ownMetric.asFile")}>
          <pre className="code-block" tabIndex={0}>
            {found.data?.text}
          </pre>
        </Panel>
      )}
    </SettingsFrame>
  );
}

function Editor({ id, given, version }: { id: string; given: MetricDraft; version: number }) {
  const { t } = useTranslation();
  const lang = useLang();
  const catalog = useCatalog();
  const navigate = useNavigate();
  const roles = useQuery(rolesQuery).data ?? [];
  const [first] = useState(given);
  const [draft, setDraft] = useState(given);
  const [steps, setSteps] = useState<DesignOutcome["steps"] | null>(null);
  const [isRemoving, setRemoving] = useState(false);
  const isNew = id === "";
  const set = (part: Partial<MetricDraft>) => setDraft({ ...draft, ...part });
  const change = (dry_run: boolean, note: string, removes: boolean) => ({
    version,
    note,
    dry_run,
    objects: [],
    metrics: [{ id: isNew ? null : id, draft: removes ? null : draft }],
    files: {},
  });
  const look = useMutation({
    mutationFn: ({ removes }: { removes: boolean }) => changeDesign(change(true, "", removes)),
    onSuccess: (outcome, { removes }) => {
      setRemoving(removes);
      setSteps(outcome.steps);
    },
  });
  const { here, elsewhere } = metricFaults(
    look.error instanceof ApiError ? (look.error.problem.fields as Fault[] | undefined) : undefined,
    id,
  );
  const way = wayOf(draft);
  const isChanged = isNew || JSON.stringify(draft) !== JSON.stringify(first);
  /** Other records are counted: so long as the example is the first one, it follows. */
  const setMeasure = (next: MeasureDraft, put: (next: MeasureDraft) => Partial<MetricDraft>) => {
    const part = put(next);
    const object = catalog.objects.find((o) => o.id === next.from);
    const isKnown = draft.example.given.some((g) => g.object === next.from);
    if (!object || isKnown) return set(part);
    const used = new Set([draft.measure?.from, draft.ratio?.num.from, draft.ratio?.den.from]);
    const isBare = (g: MetricDraft["example"]["given"][number]) =>
      used.has(g.object) && g.rows.every((row) => Object.keys(row).length <= 1);
    const others = draft.example.given.filter((g) => !isBare(g) || way === "ratio");
    set({ ...part, example: { ...draft.example, given: [...others, sampleOf(object)] } });
  };
  const rest = [here.ratio, here.about, ...elsewhere].filter((text) => text !== undefined);
  return (
    <form
      noValidate
      className="design"
      onSubmit={(event) => {
        event.preventDefault();
        look.mutate({ removes: false });
      }}
    >
      <Panel title={t("ownMetric.what")}>
        <div className="form-grid">
          <TwoTexts
            labels={{ zh: t("design.nameZh"), en: t("design.nameEn") }}
            value={draft.name}
            fault={here.name}
            maxLength={60}
            autoFocus={isNew}
            onChange={(name) => set({ name })}
          />
          <TwoTexts
            labels={{ zh: t("design.about"), en: t("design.aboutEn") }}
            value={draft.about}
            maxLength={500}
            onChange={(about) => set({ about })}
          />
          <Labelled label={t("ownMetric.unit")} fault={here.unit}>
            {(at) => (
              <select
                id={at}
                value={draft.unit}
                onChange={(e) => set({ unit: METRIC_UNITS.find((u) => u === e.target.value) ?? "count" })}
              >
                {METRIC_UNITS.map((unit) => (
                  <option key={unit} value={unit}>
                    {t(`ownMetric.units.${unit}`)}
                  </option>
                ))}
              </select>
            )}
          </Labelled>
          <Labelled label={t("ownMetric.direction")} fault={here.direction}>
            {(at) => (
              <select
                id={at}
                value={draft.direction}
                onChange={(e) => set({ direction: DIRECTIONS.find((d) => d === e.target.value) ?? "up" })}
              >
                {DIRECTIONS.map((direction) => (
                  <option key={direction} value={direction}>
                    {t(`definition.betterIs.${direction}`)}
                  </option>
                ))}
              </select>
            )}
          </Labelled>
          <Labelled label={t("ownMetric.grain")} fault={here.grain_min}>
            {(at) => (
              <select
                id={at}
                value={draft.grain_min ?? "day"}
                onChange={(e) => set({ grain_min: GRAINS.find((g) => g === e.target.value) ?? "day" })}
              >
                {GRAINS.map((grain) => (
                  <option key={grain} value={grain}>
                    {t(`grain.${grain}`)}
                  </option>
                ))}
              </select>
            )}
          </Labelled>
          <Labelled label={t("ownMetric.owner")} fault={here.owner}>
            {(at) => (
              <select
                id={at}
                value={draft.owner ?? ""}
                onChange={(e) => set({ owner: e.target.value || null })}
              >
                <option value="">{t("ownMetric.nobody")}</option>
                {roles.map((role) => (
                  <option key={role.id} value={role.id}>
                    {pickText(role.name, lang)}
                  </option>
                ))}
              </select>
            )}
          </Labelled>
          <Labelled label={t("ownMetric.minN")} fault={here.min_n}>
            {(at) => (
              <Input
                id={at}
                inputMode="numeric"
                value={draft.min_n ?? ""}
                onChange={(e) => {
                  const n = Number.parseInt(e.target.value, 10);
                  set({ min_n: Number.isFinite(n) && n > 0 ? Math.min(n, 1_000_000) : null });
                }}
              />
            )}
          </Labelled>
        </div>
      </Panel>
      <Panel title={t("ownMetric.how")}>
        <fieldset className="ways">
          <legend className="visually-hidden">{t("ownMetric.how")}</legend>
          {WAYS.map((one: Way) => (
            <label key={one} className="switch">
              <input
                type="radio"
                name="way"
                checked={way === one}
                onChange={() => setDraft(withWay(draft, one))}
              />
              {t(`ownMetric.ways.${one}`)}
            </label>
          ))}
        </fieldset>
        {draft.measure && (
          <MeasureEditor
            one={draft.measure}
            fault={here.measure}
            onChange={(next) => setMeasure(next, (measure) => ({ measure }))}
          />
        )}
        {draft.ratio &&
          (["num", "den"] as const).map((side) => {
            const ratio = draft.ratio;
            if (!ratio) return null;
            return (
              <fieldset key={side} className="measure-side">
                <legend>{t(`ownMetric.${side}`)}</legend>
                <MeasureEditor
                  one={ratio[side]}
                  fault={here[`ratio.${side}`]}
                  onChange={(next) => setMeasure(next, (one) => ({ ratio: { ...ratio, [side]: one } }))}
                />
              </fieldset>
            );
          })}
        {way === "formula" && (
          <div className="form-grid">
            <Labelled label={t("ownMetric.formula")} note={t("ownMetric.formulaHelp")} fault={here.formula}>
              {(at) => (
                <Input
                  id={at}
                  className="mono"
                  value={draft.formula ?? ""}
                  onChange={(e) => set({ formula: e.target.value })}
                />
              )}
            </Labelled>
            <Labelled label={t("ownMetric.addMetric")}>
              {(at) => (
                <select
                  id={at}
                  value=""
                  onChange={(e) => set({ formula: `${draft.formula ?? ""} ${e.target.value}`.trim() })}
                >
                  <option value="" />
                  {catalog.metrics
                    .filter((m) => m.id !== id && m.kind !== "cohort" && m.kind !== "conversion")
                    .map((m) => (
                      <option key={m.id} value={m.id}>
                        {m.code} {pickText(m.name, lang)}
                      </option>
                    ))}
                </select>
              )}
            </Labelled>
          </div>
        )}
      </Panel>
      <Suspense fallback={<Skeleton height={300} />}>
        <ExampleEditor draft={draft} fault={here.example} onChange={(example) => set({ example })} />
      </Suspense>
      {!isNew && (
        <div className="controls design-remove">
          <Button danger onClick={() => look.mutate({ removes: true })}>
            {t("ownMetric.remove")}
          </Button>
        </div>
      )}
      <div className="form-foot design-foot">
        {look.error && (
          <p className="wrong" role="alert">
            {Object.keys(here).length + rest.length > 0
              ? t("design.faults")
              : look.error.message || t("error.unreachable")}
            {rest.map((detail) => (
              <span key={detail}> {detail}</span>
            ))}
          </p>
        )}
        <Button type="primary" htmlType="submit" disabled={!isChanged} loading={look.isPending}>
          {t("design.preview")}
        </Button>
      </div>
      {steps && (
        <Preview
          steps={steps}
          onApply={async (note) => {
            const outcome = await changeDesign(change(false, note, isRemoving));
            // Away from here before everything is asked again: this metric is no more.
            if (isRemoving) await navigate({ to: "/settings/design" });
            return outcome;
          }}
          onDone={(outcome) => {
            const made = outcome.metrics[0] ?? id;
            if (!isRemoving) void navigate({ to: "/metrics/$id", params: { id: made } });
          }}
          onClose={() => setSteps(null)}
        />
      )}
    </form>
  );
}

function MeasureEditor({
  one,
  fault,
  onChange,
}: {
  one: MeasureDraft;
  fault: string | undefined;
  onChange: (next: MeasureDraft) => void;
}) {
  const { t } = useTranslation();
  const lang = useLang();
  const catalog = useCatalog();
  const object = catalog.objects.find((o) => o.id === one.from);
  const measured = catalog.objects.filter((o) => o.measured_by || o.id === one.from);
  const isSum = one.agg !== "count" && one.agg !== "count_distinct";
  const fields = (object?.fields ?? []).filter((f) => !isSum || ["decimal", "int", "float"].includes(f.type));
  const choice = object?.fields.find((f) => f.type === "choice" && f.options.length > 0);
  const example = choice
    ? `${choice.id} = '${choice.options[0]?.value}'`
    : `${object?.measured_by} is not null`;
  return (
    <div className="form-grid">
      <Labelled label={t("ownMetric.from")} fault={fault}>
        {(at) => (
          <select
            id={at}
            value={one.from}
            onChange={(e) => onChange({ agg: one.agg, from: e.target.value, expr: null, where: null })}
          >
            {measured.map((o) => (
              <option key={o.id} value={o.id}>
                {pickText(o.name, lang)}
              </option>
            ))}
          </select>
        )}
      </Labelled>
      <Labelled label={t("ownMetric.agg")}>
        {(at) => (
          <select
            id={at}
            value={one.agg}
            onChange={(e) =>
              onChange({
                ...one,
                agg: e.target.value,
                expr: e.target.value === "count" ? null : (one.expr ?? null),
              })
            }
          >
            {AGGS.map((agg) => (
              <option key={agg} value={agg}>
                {t(`ownMetric.aggs.${agg}`)}
              </option>
            ))}
          </select>
        )}
      </Labelled>
      {one.agg !== "count" && (
        <Labelled label={t("ownMetric.expr")} note={t("ownMetric.exprHelp")}>
          {(at) => (
            <>
              <Input
                id={at}
                className="mono"
                value={one.expr ?? ""}
                onChange={(e) => onChange({ ...one, expr: e.target.value || null })}
              />
              <span className="field-chips">
                {fields.map((f) => (
                  <Button key={f.id} size="small" onClick={() => onChange({ ...one, expr: f.id })}>
                    {pickText(f.name, lang)}
                  </Button>
                ))}
              </span>
            </>
          )}
        </Labelled>
      )}
      <Labelled label={t("ownMetric.where")} note={t("ownMetric.whereHelp", { example })}>
        {(at) => (
          <Input
            id={at}
            className="mono"
            value={one.where ?? ""}
            onChange={(e) => onChange({ ...one, where: e.target.value || null })}
          />
        )}
      </Labelled>
    </div>
  );
}
