// What a button opens below itself: the browser's own `details`, closed by
// Escape and by leaving it.
import { type ReactNode, useEffect, useRef, useState } from "react";

export function Menu({
  label,
  name,
  className,
  isBusy = false,
  children,
}: {
  label: ReactNode;
  /** Read aloud where the label is only a sign. */
  name?: string;
  className?: string;
  isBusy?: boolean;
  children: ReactNode | ((close: () => void) => ReactNode);
}) {
  const [isOpen, setOpen] = useState(false);
  const menu = useRef<HTMLDetailsElement>(null);
  useEffect(() => {
    if (!isOpen) return;
    const leave = (event: Event) => {
      if (!menu.current?.contains(event.target as Node)) setOpen(false);
    };
    document.addEventListener("pointerdown", leave);
    document.addEventListener("focusin", leave);
    return () => {
      document.removeEventListener("pointerdown", leave);
      document.removeEventListener("focusin", leave);
    };
  }, [isOpen]);
  const close = () => {
    setOpen(false);
    menu.current?.querySelector("summary")?.focus();
  };
  return (
    <details
      ref={menu}
      className={className ? `download ${className}` : "download"}
      open={isOpen}
      onToggle={(e) => setOpen(e.currentTarget.open)}
      onKeyDown={(e) => {
        if (e.key !== "Escape" || !isOpen) return;
        e.stopPropagation();
        close();
      }}
    >
      <summary aria-label={name} title={name} aria-busy={isBusy}>
        {label}
      </summary>
      {typeof children === "function" ? children(close) : children}
    </details>
  );
}
