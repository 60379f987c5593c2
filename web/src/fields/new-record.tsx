// The form of a new record comes when it is asked for.
import { lazy, Suspense } from "react";
import type { Held, ObjectDef } from "../api/records";
import type { Given } from "./record-form";

const Form = lazy(() => import("./record-form").then((m) => ({ default: m.RecordDrawer })));

export function NewRecord(props: {
  object: ObjectDef;
  /** What is filled in already, as the customer whose page asks for a new contact. */
  given?: Given | undefined;
  onDone: (made: Held) => void;
  onClose: () => void;
}) {
  return (
    <Suspense>
      <Form {...props} />
    </Suspense>
  );
}
