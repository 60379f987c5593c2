// Tier and stage as tags. Tiers share one hue, from strong to pale; a stage
// carries colour only where it warns or cheers.
import { useLang } from "../i18n";
import { useCatalog } from "./catalog";
import { NO_VALUE } from "./format";

function Named({ kind, id }: { kind: "tiers" | "stages"; id: string | null | undefined }) {
  const catalog = useCatalog();
  const lang = useLang();
  if (!id) return <span className="muted">{NO_VALUE}</span>;
  const option = catalog[kind].find((o) => o.id === id);
  const prefix = kind === "tiers" ? "tier" : "stage";
  return <span className={`chip ${prefix}-${id}`}>{option?.[lang] ?? id}</span>;
}

export const TierTag = ({ id }: { id: string | null | undefined }) => <Named kind="tiers" id={id} />;
export const StageTag = ({ id }: { id: string | null | undefined }) => <Named kind="stages" id={id} />;
