// Short names for the generated types, and the shapes of records. A record's
// fields come from the catalogue at run time, so the API describes it as an
// object and no generator can name its fields; what the page reads of them is
// written down here.
import type { components } from "./schema";

type Schemas = components["schemas"];
export type Text2 = Schemas["Text2"];
export type Problem = Omit<Schemas["ProblemBody"], "detail" | "code" | "at" | "mapping"> &
  Partial<Pick<Schemas["ProblemBody"], "detail" | "code" | "at">>;
export type Status = Schemas["Status"];
export type Catalog = Schemas["CatalogBody"];
export type CatalogMetric = Schemas["MetricBody"];
export type CatalogField = Schemas["FieldBody"];
export type Unit = Schemas["Unit"];
export type Grain = Schemas["Grain"];
export type Mapping = Schemas["Mapping"];
export type ColumnMapping = Schemas["ColumnMapping"];
export type Mode = Schemas["Mode"];
export type Preview = Schemas["Preview"];
export type PreviewRow = Schemas["PreviewRow"];
export type ReportLine = Schemas["ReportLine"];
export type SavedMapping = Schemas["SavedMappingBody"];
export type Question = Schemas["Question"];
export type AnswerColumn = Schemas["Column"];
export type Period = Schemas["Period"];
export type Explanation = Schemas["Explanation"];
export type Evaluation = Schemas["EvaluationDoc"];
export type GroupTotal = Schemas["GroupDoc"];

/** One value as JSON carries it: decimals and dates as text. */
export type Value = string | number | boolean | null;
export type ValueStatus = "settled" | "unsettled" | "open";

export type Answer = Omit<Schemas["Answer"], "rows" | "status" | "row_status"> & {
  rows: Value[][];
  status: ValueStatus;
  row_status: ValueStatus[];
};
export type Effects = Record<keyof Schemas["Effects"], Value>;
type WhyPart = Record<"value" | "now" | "before", Value> & Effects;
export type Why = Omit<Schemas["Why"], "now" | "before" | "parts" | "whole" | "others"> &
  Record<"now" | "before", Value> & { parts: WhyPart[]; whole: Effects; others: Effects };
export type ChoiceWords = Schemas["ChoiceWords"];
export type Situation = Schemas["Situation"];
export type Swot = Schemas["Swot"];
type Baseline = Omit<Schemas["Baseline"], "value" | "status"> & { value: Value; status: ValueStatus };
type Reached = Record<"usual" | "good" | "best", Value>;
export type Attainable = Omit<Schemas["Attainable"], keyof Reached | "history"> &
  Reached & { history: { from: string; value: Value }[] };
/** A metric that was chosen, with its reasons and where the firm stands. */
export type ChosenMetric = Omit<Schemas["ChosenMetric"], "baseline" | "attainable"> & {
  baseline?: Baseline | null;
  attainable?: Attainable | null;
};
export type Choice = Omit<Schemas["Choice"], "metrics"> & { metrics: ChosenMetric[] };
export type MissingRecords = Schemas["Missing"];
export type MetricDefinition = Schemas["MetricDefinition"];
export type RelationMethod = Schemas["RelationMethod"];
export type Relations = Schemas["Relations"];
export type RelatedPair = Schemas["RelatedPair"];
export type RelationsQuestion = Schemas["RelationsQuestion"];
export type RowsBehind = Omit<Schemas["FactRows"], "rows"> & { rows: Value[][] };

export type ImportState =
  | "queued"
  | "needs_mapping"
  | "mapped"
  | "running"
  | "cancelled"
  | "failed"
  | "done"
  | "undone";
/** What went wrong with an import, kept in both languages. */
export type ImportFailure = Text2 & Partial<Pick<Schemas["ProblemBody"], "code" | "at">>;
export type Import = Omit<Schemas["ImportBody"], "state" | "error"> & {
  state: ImportState;
  error?: ImportFailure | null;
};

type Maybe<T> = T | null;
/** What the page reads of a customer's own fields. */
export type CustomerFields = {
  id: number;
  number: string;
  name: Maybe<string>;
  kind: Maybe<string>;
  country: Maybe<string>;
  region: Maybe<string>;
  city: Maybe<string>;
  industry?: Maybe<string>;
  owner: Maybe<string>;
  phone?: Maybe<string>;
  email?: Maybe<string>;
};

/** What the page reads of the `score` object; absent before the first evaluation. */
export type Score = {
  as_of?: string;
  tier?: Maybe<string>;
  tier_reason_zh?: Maybe<string>;
  tier_reason_en?: Maybe<string>;
  stage?: Maybe<string>;
  stage_reason_zh?: Maybe<string>;
  stage_reason_en?: Maybe<string>;
  days_since_last?: Maybe<number>;
  n_orders?: Maybe<number>;
  net_revenue?: Maybe<string>;
  net_revenue_365?: Maybe<string>;
  cycle_days?: Maybe<number>;
  silence?: Maybe<number>;
  next_expected_on?: Maybe<string>;
  next_expected_from?: Maybe<string>;
  next_expected_to?: Maybe<string>;
  p_alive?: Maybe<number>;
  expected_purchases_365?: Maybe<number>;
  expected_spend?: Maybe<string>;
  clv_12m?: Maybe<string>;
  value_at_risk?: Maybe<string>;
};

export type CustomerRow = CustomerFields & Score;
export type CustomerPage = Omit<Schemas["CustomerPage"], "resources"> & { resources: CustomerRow[] };
export type ScoreHistory = Required<
  Pick<Score, "as_of" | "tier" | "stage" | "net_revenue_365" | "p_alive" | "clv_12m">
>;
export type Customer = Omit<Schemas["CustomerDoc"], "customer" | "score" | "history"> & {
  customer: CustomerFields;
  score: Maybe<Score>;
  history: ScoreHistory[];
};

export type Order = {
  id: number;
  number: string;
  kind: string;
  ordered_at: string;
  ordered_on: string;
  currency?: Maybe<string>;
  net_amount: string;
  n_lines: number;
};
export type OrderLine = {
  id: number;
  product_number?: Maybe<string>;
  product_name?: Maybe<string>;
  description?: Maybe<string>;
  quantity: string;
  price: string;
  amount: string;
};
export type Page<T> = { resources: T[]; total: number };
export type Timeline = Schemas["TimelinePage"];
