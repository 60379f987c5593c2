import { Button } from "antd";
import { useState } from "react";

/** Copies the address, which is all that the page shows; it is read when the button is pressed. */
export function ShareLink({ label, copied, failed }: { label: string; copied: string; failed: string }) {
  const [said, setSaid] = useState<"copied" | "failed" | null>(null);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(window.location.href);
      setSaid("copied");
    } catch {
      setSaid("failed");
    }
  };
  return (
    <>
      <Button onClick={copy}>{label}</Button>
      <span role="status" className="note">
        {said === "copied" && copied}
        {said === "failed" && failed}
      </span>
    </>
  );
}
