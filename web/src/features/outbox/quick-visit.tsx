// A visit written down where there is no network and nothing was loaded yet.
import { Button, Input } from "antd";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import "../../i18n/outbox";
import { DateInput } from "../../ui/date-input";
import { newKey } from "../../ui/key";
import { keep, lastUser } from "../../ui/outbox";
import { Labelled } from "../../ui/side-form";

const TOUCHPOINT = "touchpoint";
const today = () => new Date(Date.now() + 8 * 3_600_000).toISOString().slice(0, 10);

export function QuickVisit() {
  const { t } = useTranslation();
  const [customer, setCustomer] = useState("");
  const [day, setDay] = useState(today);
  const [summary, setSummary] = useState("");
  const [said, setSaid] = useState<{ text: string; isWrong: boolean } | null>(null);
  const user = lastUser();
  if (user === null) return null;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const name = customer.trim();
    if (name === "" || summary.trim() === "" || day === "")
      return setSaid({ text: t("outbox.visitNeeds"), isWrong: true });
    const values = { customer: name, kind: "visit", held_on: day, summary: summary.trim(), user };
    const title = t("outbox.visitOf", { name });
    const isKept = keep({
      key: newKey(),
      user,
      object: TOUCHPOINT,
      title,
      values,
      at: new Date().toISOString(),
    });
    if (!isKept) return setSaid({ text: t("outbox.full"), isWrong: true });
    setSaid({ text: t("outbox.kept"), isWrong: false });
    setCustomer("");
    setSummary("");
  };
  return (
    <section className="panel">
      <h2>{t("outbox.visit")}</h2>
      <p className="note">{t("outbox.visitNote")}</p>
      <form className="form" onSubmit={submit}>
        <Labelled label={t("outbox.customer")}>
          {(id) => (
            <Input id={id} value={customer} maxLength={200} onChange={(e) => setCustomer(e.target.value)} />
          )}
        </Labelled>
        <div className="form-field">
          <span>{t("outbox.day")}</span>
          <DateInput label={t("outbox.day")} value={day} onChange={setDay} />
        </div>
        <Labelled label={t("outbox.summary")}>
          {(id) => (
            <Input.TextArea
              id={id}
              rows={4}
              value={summary}
              maxLength={4000}
              onChange={(e) => setSummary(e.target.value)}
            />
          )}
        </Labelled>
        {said && (
          <p className={said.isWrong ? "wrong" : "note"} role={said.isWrong ? "alert" : "status"}>
            {said.text}
          </p>
        )}
        <div className="controls">
          <Button type="primary" htmlType="submit">
            {t("outbox.keep")}
          </Button>
        </div>
      </form>
    </section>
  );
}
