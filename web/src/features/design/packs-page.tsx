// Packs: ready-made applications, taken in and out again with one click each.
import { useMutation, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { App, Button } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import {
  type PackBody,
  type PackChange,
  type PackList,
  type PackOutcome,
  packsQuery,
  removePack,
  takePackIn,
} from "../../api/design";
import { useLang } from "../../i18n";
import "../../i18n/design";
import { Confirm } from "../../ui/dialog";
import { pickText } from "../../ui/format";
import { Panel } from "../../ui/panel";
import { SettingsFrame } from "../../ui/settings-frame";
import { LoadError, Skeleton } from "../../ui/states";
import "./design.css";
import { useDesignChanged } from "./use-changed";

const KINDS = ["application", "industry"] as const;

export function PacksPage() {
  const { t } = useTranslation();
  const { data, error, refetch } = useQuery(packsQuery);
  return (
    <SettingsFrame
      area="design"
      title={t("design.packs.title")}
      note={t("design.packs.note")}
      actions={
        <Link to="/settings/design" className="button-link plain">
          {t("design.title")}
        </Link>
      }
    >
      {error ? (
        <LoadError error={error} onRetry={() => refetch()} />
      ) : data ? (
        KINDS.map((kind) => (
          <Panel key={kind} title={t(`design.packs.${kind}`)}>
            <ul className="pack-cards">
              {data.packs
                .filter((pack) => pack.kind === kind)
                .map((pack) => (
                  <Card key={pack.id} pack={pack} list={data} />
                ))}
            </ul>
          </Panel>
        ))
      ) : (
        <Skeleton height={400} />
      )}
    </SettingsFrame>
  );
}

type Leaving = { samples: PackChange["samples"]; outcome: PackOutcome };

function Card({ pack, list }: { pack: PackBody; list: PackList }) {
  const { t } = useTranslation();
  const lang = useLang();
  const changed = useDesignChanged();
  const { message } = App.useApp();
  const [leaving, setLeaving] = useState<Leaving | null>(null);
  const name = pickText(pack.name, lang);
  const fail = (error: Error) => void message.error(error.message || t("error.unreachable"));
  const change = (samples: PackChange["samples"], dry_run = false): PackChange => ({
    version: list.version,
    dry_run,
    samples,
  });
  const take = useMutation({
    mutationFn: (samples: PackChange["samples"]) => takePackIn(pack.id, change(samples)),
    onSuccess: async (outcome) => {
      await changed();
      void message.success(t("design.packs.taken", { name, n: outcome.n_samples }));
    },
    onError: fail,
  });
  const look = useMutation({
    mutationFn: async (samples: PackChange["samples"]) => ({
      samples,
      outcome: await removePack(pack.id, change(samples, true)),
    }),
    onSuccess: setLeaving,
    onError: fail,
  });
  const remove = useMutation({
    mutationFn: (samples: PackChange["samples"]) => removePack(pack.id, change(samples)),
    onSuccess: async (outcome) => {
      await changed();
      const kept = outcome.n_kept > 0 ? t("design.packs.kept", { n: outcome.n_kept }) : "";
      void message.success(t("design.packs.removed", { name }) + kept);
    },
    onError: fail,
    onSettled: () => setLeaving(null),
  });
  const isBusy = take.isPending || look.isPending || remove.isPending;
  return (
    <li className="pack-card" aria-label={name}>
      <h3>
        {name} {pack.taken_in && <span className="chip">{t("design.packs.inUse")}</span>}
      </h3>
      <p>{pickText(pack.about, lang)}</p>
      <p className="muted">
        {t("design.packs.brings")}
        {pack.objects.map((part, n) => (
          <span key={part.object}>
            {n > 0 && t("design.packs.and")}
            {pack.taken_in ? (
              <Link to="/records/$object" params={{ object: part.object }}>
                {pickText(part.name, lang)}
              </Link>
            ) : (
              pickText(part.name, lang)
            )}
          </span>
        ))}
        {pack.additions.map((part, n) => (
          <span key={part.object}>
            {(n > 0 || pack.objects.length > 0) && t("design.packs.and")}
            {t("design.packs.fieldsOf", { name: pickText(part.name, lang) })}
          </span>
        ))}
      </p>
      <div className="controls">
        {pack.taken_in ? (
          <>
            {pack.taken_in.n_samples > 0 && (
              <Button disabled={isBusy} onClick={() => look.mutate("only")}>
                {t("design.packs.removeSamples", { n: pack.taken_in.n_samples })}
              </Button>
            )}
            <Button danger disabled={isBusy} onClick={() => look.mutate("with")}>
              {t("design.packs.remove")}
            </Button>
          </>
        ) : (
          <>
            <Button
              type="primary"
              loading={take.isPending && take.variables === "with"}
              disabled={isBusy}
              onClick={() => take.mutate("with")}
            >
              {t("design.packs.try")}
            </Button>
            <Button disabled={isBusy} onClick={() => take.mutate("without")}>
              {t("design.packs.tryEmpty")}
            </Button>
          </>
        )}
      </div>
      {leaving && (
        <Confirm
          title={t(leaving.samples === "only" ? "design.packs.samplesSure" : "design.packs.sure", { name })}
          action={t(leaving.samples === "only" ? "design.packs.samplesGo" : "design.packs.remove")}
          isBusy={remove.isPending}
          onConfirm={() => remove.mutate(leaving.samples)}
          onClose={() => setLeaving(null)}
        >
          <Gone leaving={leaving} />
        </Confirm>
      )}
    </li>
  );
}

/** What goes with a pack, in numbers. */
function Gone({ leaving }: { leaving: Leaving }) {
  const { t } = useTranslation();
  const lang = useLang();
  const objects = leaving.outcome.steps.filter((step) => step.kind === "remove_object");
  return (
    <>
      <p>{t("design.packs.samplesGoing", { n: leaving.outcome.n_samples })}</p>
      {objects.length > 0 && (
        <ul>
          {objects.map((step) => (
            <li key={step.object}>
              {pickText(step.name, lang)}: {t("design.records", { n: step.n_records ?? 0 })}
            </li>
          ))}
        </ul>
      )}
      {objects.length > 0 && <p className="muted">{t("design.packs.trash")}</p>}
    </>
  );
}
