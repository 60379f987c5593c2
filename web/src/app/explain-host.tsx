// Holds the drawer that explains a number, for every page below.
import { lazy, type ReactNode, Suspense, useCallback, useRef, useState } from "react";
import { type Asked, ExplainContext } from "../ui/explain";

const ExplainDrawer = lazy(() =>
  import("../features/metric/explain-drawer").then((m) => ({ default: m.ExplainDrawer })),
);

/** The drawer holds the focus until it has left the page; asked again meanwhile, it keeps it. */
function giveBack(element: HTMLElement | null, frames = 60): void {
  if (!document.querySelector(".explain")) element?.focus();
  else if (frames > 0) requestAnimationFrame(() => giveBack(element, frames - 1));
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
