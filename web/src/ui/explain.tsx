// "Where does this number come from?" Every figure can open the same drawer;
// the drawer itself stands in `features/metric`, placed by `app`.
import { createContext, useContext } from "react";
import type { Question, Unit, Value, ValueStatus } from "../api/types";

export type Asked = {
  title: string;
  value: Value;
  unit: Unit | string;
  status?: ValueStatus | undefined;
  /** How many cases it rests on, where they are too few. */
  few?: number | undefined;
  currency?: string | undefined;
} & (
  | {
      question: Question;
      /** What the number is narrowed to, in words. */
      filter?: [string, string][];
      /** Of the records, only those from this day on stand behind the number. */
      since?: string;
    }
  /** A figure of the evaluation: its words, its day, and which customers it counts. */
  | { about?: string | undefined; as_of: string; where?: string | undefined; facts?: [string, string][] }
);

export const ExplainContext = createContext<(asked: Asked) => void>(() => {});
export const useExplain = () => useContext(ExplainContext);
