// Holds the drawer that explains a number, for every page below.
import { lazy, type ReactNode, Suspense, useCallback, useRef, useState } from "react";
import { type Asked, ExplainContext } from "../ui/explain";

const ExplainDrawer = lazy(() =>
  import("../features/metric/explain-drawer").then((m) => ({ default: m.ExplainDrawer })),
);

const PATIENCE_MS = 5_000;
const STEADY_FRAMES = 10;

/**
 * The drawer holds the focus until it has left the page, and may let it fall while it goes; asked again
 * meanwhile, it keeps it. Whoever has moved on is left alone.
 */
function giveBack(element: HTMLElement | null, until = performance.now() + PATIENCE_MS, steady = 0): void {
  if (!element?.isConnected || performance.now() > until || steady === STEADY_FRAMES) return;
  const at = document.activeElement;
  const isClosed = !document.querySelector(".explain");
  const isLost = !at || at === document.body || at.closest(".ant-drawer") !== null;
  if (isClosed && !isLost && at !== element) return;
  if (isClosed && isLost) element.focus();
  requestAnimationFrame(() => giveBack(element, until, isClosed && at === element ? steady + 1 : 0));
}

export function ExplainHost({ children }: { children: ReactNode }) {
  const [asked, setAsked] = useState<Asked | null>(null);
  const [open, setOpen] = useState(false);
  const asker = useRef<HTMLElement | null>(null);
  const ask = useCallback((next: Asked) => {
    const focused = document.activeElement;
    // A number inside the drawer may ask as well; the focus goes back to the first.
    if (focused instanceof HTMLElement && !focused.closest(".explain")) asker.current = focused;
    setAsked(next);
    setOpen(true);
  }, []);
  return (
    <ExplainContext.Provider value={ask}>
      {children}
      {asked && (
        <Suspense>
          <ExplainDrawer
            asked={asked}
            open={open}
            onClose={() => setOpen(false)}
            onClosed={() => giveBack(asker.current)}
          />
        </Suspense>
      )}
    </ExplainContext.Provider>
  );
}
