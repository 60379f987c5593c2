// Holds the drawer that explains a number, for every page below.
import { lazy, type ReactNode, Suspense, useCallback, useState } from "react";
import { type Asked, ExplainContext } from "../ui/explain";

const ExplainDrawer = lazy(() =>
  import("../features/metric/explain-drawer").then((m) => ({ default: m.ExplainDrawer })),
);

export function ExplainHost({ children }: { children: ReactNode }) {
  const [asked, setAsked] = useState<Asked | null>(null);
  const [open, setOpen] = useState(false);
  const ask = useCallback((next: Asked) => {
    setAsked(next);
    setOpen(true);
  }, []);
  return (
    <ExplainContext.Provider value={ask}>
      {children}
      {asked && (
        <Suspense>
          <ExplainDrawer asked={asked} open={open} onClose={() => setOpen(false)} />
        </Suspense>
      )}
    </ExplainContext.Provider>
  );
}
