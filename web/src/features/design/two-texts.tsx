// A text in both languages, the one of the page first; either stands for both.
import { Input } from "antd";
import { useLang } from "../../i18n";
import { Labelled } from "../../ui/side-form";
import { noText } from "./draft";

type Text = { zh?: string; en?: string };

export function TwoTexts({
  labels,
  value,
  fault,
  maxLength,
  autoFocus = false,
  onChange,
}: {
  labels: Record<"zh" | "en", string>;
  value: Text | undefined;
  fault?: string | undefined;
  maxLength: number;
  autoFocus?: boolean;
  onChange: (next: { zh: string; en: string }) => void;
}) {
  const lang = useLang();
  const langs = lang === "zh" ? (["zh", "en"] as const) : (["en", "zh"] as const);
  return langs.map((one, at) => (
    <Labelled key={one} label={labels[one]} fault={at === 0 ? fault : undefined}>
      {(id) => (
        <Input
          id={id}
          value={value?.[one]}
          maxLength={maxLength}
          autoFocus={autoFocus && at === 0}
          onChange={(e) => onChange({ ...noText(), ...value, [one]: e.target.value })}
        />
      )}
    </Labelled>
  ));
}
