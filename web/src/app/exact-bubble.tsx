// The exact value of the number that has the keyboard's focus; the pointer has
// the title. One bubble for the page, so that no scrolling box cuts it off.
import { useEffect, useState } from "react";

type Shown = { text: string; left: number; top: number };

export function ExactBubble() {
  const [shown, setShown] = useState<Shown | null>(null);
  useEffect(() => {
    const hide = () => setShown(null);
    // Also on scrolling, because a focus scrolls its element into view.
    const show = () => {
      const target = document.activeElement as HTMLElement | null;
      const text = target?.dataset.exact;
      if (!target || !text || !target.matches(":focus-visible")) return hide();
      const box = target.getBoundingClientRect();
      const half = text.length * 4 + 16;
      const left = Math.max(half, Math.min(window.innerWidth - half, box.left + box.width / 2));
      setShown({ text, left, top: box.top > 48 ? box.top - 34 : box.bottom + 6 });
    };
    document.addEventListener("focusin", show);
    document.addEventListener("focusout", hide);
    window.addEventListener("scroll", show, true);
    return () => {
      document.removeEventListener("focusin", show);
      document.removeEventListener("focusout", hide);
      window.removeEventListener("scroll", show, true);
    };
  }, []);
  return shown ? (
    <output className="bubble" style={{ left: shown.left, top: shown.top }}>
      {shown.text}
    </output>
  ) : null;
}
