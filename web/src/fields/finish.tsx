// A task that is not done yet is done by one click, which asks what came of it.
import { lazy, Suspense } from "react";
import type { ObjectDef, RecordRow } from "../api/records";
import { mayDo } from "./record";

const Button = lazy(() => import("./finish-task").then((m) => ({ default: m.FinishButton })));

const OVER = ["done", "cancelled"];

/** Nothing where the record is no task, or one that is over. */
export function Finish({
  object,
  row,
  title,
  isSmall = false,
}: {
  object: ObjectDef;
  row: RecordRow;
  title: string;
  isSmall?: boolean;
}) {
  const { state } = row.values;
  // A list that does not show the state does not say whether it is over.
  if (object.id !== "task" || !mayDo(object, "update") || state === undefined) return null;
  if (OVER.includes(String(state))) return null;
  return (
    <Suspense>
      <Button id={row.id} title={title} isSmall={isSmall} />
    </Suspense>
  );
}
