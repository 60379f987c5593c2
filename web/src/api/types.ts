// Short names for the generated types. Nothing is declared here by hand.
import type { components } from "./schema";

type Schemas = components["schemas"];
export type Text2 = Schemas["Text2"];
export type Problem = Schemas["Problem"];
export type Status = Schemas["Status"];
export type Catalog = Schemas["Catalog"];
export type CatalogMetric = Schemas["CatalogMetric"];
export type CatalogField = Schemas["CatalogField"];
export type Unit = Schemas["Unit"];
export type Grain = Schemas["Grain"];
export type Import = Schemas["Import"];
export type Mapping = Schemas["Mapping"];
export type Question = Schemas["Question"];
export type Answer = Schemas["Answer"];
export type AnswerColumn = Schemas["AnswerColumn"];
export type ValueStatus = Schemas["ValueStatus"];
export type Period = Schemas["Period"];
export type Explanation = Schemas["Explanation"];
export type RowsBehind = Schemas["RowsBehind"];
export type Evaluation = Schemas["Evaluation"];
export type RfmTotal = Schemas["RfmTotal"];
export type GroupTotal = Schemas["GroupTotal"];
export type CustomerRow = Schemas["CustomerRow"];
export type Customer = Schemas["Customer"];
export type Score = Schemas["Score"];
export type Order = Schemas["Order"];
export type TimelineEntry = Schemas["TimelineEntry"];
/** One value of an answer, as JSON carries it. */
export type Value = string | number | boolean | null;
