// What strangers are asked, in order, with plain controls of the browser; what
// is wrong is said beside the question.
import { type FormEvent, useCallback, useEffect, useRef, useState } from "react";
import { ApiError } from "../../api/client";
import { type AskedForm, answerForm, askForm, type FormValue } from "../../api/form";
import { Question } from "./question";
import { firstLang, keepLang, type Lang, wordsOf } from "./words";

const NOT_FOUND = 404;
const CLOSED = 409;
/** The server's clock and ours tick at other moments. */
const MARGIN_MS = 50;

type Drafts = Record<string, FormValue>;

export function PublicForm({ token }: { token: string }) {
  const [lang, setLang] = useState<Lang>(firstLang);
  const [form, setForm] = useState<AskedForm | null>(null);
  const [fault, setFault] = useState<ApiError | Error | null>(null);
  const [thanks, setThanks] = useState<{ zh: string; en: string } | null>(null);
  const t = wordsOf(lang);
  const load = useCallback(() => {
    setFault(null);
    setThanks(null);
    askForm(token).then(setForm, setFault);
  }, [token]);
  useEffect(load, [load]);
  const isUnknown = fault instanceof ApiError && fault.problem.status === NOT_FOUND;
  const title = form
    ? form.title[lang]
    : t(isUnknown ? "publicForm.unknown" : fault ? "publicForm.failed" : "publicForm.loading");
  useEffect(() => {
    document.title = title;
  }, [title]);
  return (
    <div className="sheet">
      <div className="sheet-top" role="group" aria-label={t("publicForm.language")}>
        {(["zh", "en"] as const).map((one) => (
          <button
            key={one}
            type="button"
            lang={one === "zh" ? "zh-CN" : "en"}
            aria-pressed={lang === one}
            onClick={() => {
              keepLang(one);
              setLang(one);
            }}
          >
            {one === "zh" ? "中文" : "EN"}
          </button>
        ))}
      </div>
      <main id="main" aria-busy={!form && !fault}>
        <h1>{title}</h1>
        {isUnknown ? (
          <p>{t("publicForm.unknownText")}</p>
        ) : fault && !form ? (
          <>
            <p role="alert">{(fault instanceof ApiError && fault.message) || t("publicForm.later")}</p>
            <button type="button" className="send" onClick={load}>
              {t("publicForm.retry")}
            </button>
          </>
        ) : thanks ? (
          <Thanks
            text={thanks[lang] || t("publicForm.thanks")}
            another={t("publicForm.another")}
            onAgain={load}
          />
        ) : form && form.state !== "open" ? (
          <div className="said" role="status">
            <p>
              <strong>{t(`publicForm.${form.state}`)}</strong>
            </p>
            <p>{t("publicForm.closedText")}</p>
          </div>
        ) : form ? (
          <Questions
            key={form.ticket}
            token={token}
            form={form}
            lang={lang}
            onThanks={setThanks}
            onClosed={() => setForm({ ...form, state: "closed" })}
          />
        ) : null}
      </main>
    </div>
  );
}

function Thanks({ text, another, onAgain }: { text: string; another: string; onAgain: () => void }) {
  const said = useRef<HTMLParagraphElement>(null);
  useEffect(() => said.current?.focus(), []);
  return (
    <div className="said">
      <p ref={said} tabIndex={-1} role="status" className="thanks">
        {text}
      </p>
      <button type="button" className="plain" onClick={onAgain}>
        {another}
      </button>
    </div>
  );
}

function Questions({
  token,
  form,
  lang,
  onThanks,
  onClosed,
}: {
  token: string;
  form: AskedForm;
  lang: Lang;
  onThanks: (thanks: { zh: string; en: string }) => void;
  onClosed: () => void;
}) {
  const t = wordsOf(lang);
  const began = useRef(performance.now());
  const box = useRef<HTMLFormElement>(null);
  const [drafts, setDrafts] = useState<Drafts>({});
  const [website, setWebsite] = useState("");
  const [faults, setFaults] = useState<Record<string, string>>({});
  const [general, setGeneral] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);

  const show = (next: Record<string, string>, said: string | null) => {
    setFaults(next);
    const n = Object.keys(next).length;
    setGeneral(said ?? (n > 0 ? t("publicForm.wrong").replace("{n}", String(n)) : null));
    // After the marks stand on the page.
    setTimeout(() => box.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus());
  };

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (isBusy) return;
    const empty = form.fields.filter((f) => f.is_required && isBlank(drafts[f.id]));
    if (empty.length > 0) {
      show(Object.fromEntries(empty.map((f) => [f.id, t("publicForm.missing")])), null);
      return;
    }
    show({}, null);
    setBusy(true);
    const early = form.wait_ms + MARGIN_MS - (performance.now() - began.current);
    if (early > 0) await new Promise((resolve) => setTimeout(resolve, early));
    const values = Object.fromEntries(Object.entries(drafts).filter(([, value]) => !isBlank(value)));
    try {
      onThanks((await answerForm(token, { ticket: form.ticket ?? "", values, website })).thanks);
    } catch (problem) {
      setBusy(false);
      if (!(problem instanceof ApiError)) return show({}, t("publicForm.unreachable"));
      const { status, code, detail, fields = [] } = problem.problem;
      if (status === CLOSED && code === "form_closed") return onClosed();
      const own = fields.filter((f) => form.fields.some((asked) => asked.id === f.field));
      const others = fields.filter((f) => !own.includes(f)).map((f) => f.detail);
      const said = others.join(" ") || (own.length > 0 ? null : detail || t("publicForm.unreachable"));
      show(Object.fromEntries(own.map((f) => [f.field, f.detail])), said);
    }
  };

  return (
    <form ref={box} noValidate onSubmit={(event) => void submit(event)}>
      {form.about[lang] && <p className="about">{form.about[lang]}</p>}
      {general && (
        <p className="wrong box" role="alert">
          {general}
        </p>
      )}
      {form.fields.map((field) => (
        <Question
          key={field.id}
          field={field}
          lang={lang}
          value={drafts[field.id] ?? null}
          fault={faults[field.id]}
          onChange={(value) => {
            setDrafts((all) => ({ ...all, [field.id]: value }));
            // What is changed is judged again when it is sent.
            setFaults(({ [field.id]: _, ...others }) => others);
            setGeneral(null);
          }}
        />
      ))}
      {/* People do not see it, and nothing reads it aloud. */}
      <div className="trap" aria-hidden="true">
        <label>
          {t("publicForm.trap")}
          <input
            name="website"
            tabIndex={-1}
            autoComplete="off"
            value={website}
            onChange={(e) => setWebsite(e.target.value)}
          />
        </label>
      </div>
      <button type="submit" className="send" aria-disabled={isBusy}>
        {t(isBusy ? "publicForm.sending" : "publicForm.send")}
      </button>
    </form>
  );
}

const isBlank = (value: FormValue | undefined): boolean =>
  value === undefined || value === null || (typeof value === "string" && value.trim() === "");
