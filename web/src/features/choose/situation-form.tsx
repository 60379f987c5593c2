// What the firm says of itself: goals, customers, industry and a typed SWOT.
import { Button, Input, Select } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { ChoiceWords, Swot, Text2 } from "../../api/types";
import { useLang } from "../../i18n";
import { pickText } from "../../ui/format";
import { Panel } from "../../ui/panel";
import { SEARCH_SIGN } from "../../ui/signs";
import { type ChooseSearch, SWOT } from "./search";

type OnSet = (part: { [K in keyof ChooseSearch]?: ChooseSearch[K] | undefined }) => void;

/** Stands for what was not said; no id is empty. */
const ANY = "";

export function SituationForm({
  words,
  search,
  onSet,
}: {
  words: ChoiceWords;
  search: ChooseSearch;
  onSet: OnSet;
}) {
  const { t } = useTranslation();
  const lang = useLang();
  const options = (all: { id: string; name: Text2 }[]) =>
    all.map((word) => ({ value: word.id, label: pickText(word.name, lang) }));
  // An id of an old link that is no word any more is told by the server.
  const goals = search.goals ?? [];
  const chosen = [
    ...words.goals.filter((word) => goals.includes(word.id)),
    ...words.groups.filter((group) => group.id === search.group),
    ...words.industries.filter((word) => word.id === search.industry),
  ];
  return (
    <Panel title={t("choose.situation")}>
      <div className="choose-fields">
        <div className="choose-field">
          <span aria-hidden="true">{t("choose.goals")}</span>
          <Select
            mode="multiple"
            maxCount={words.most_goals}
            showSearch={{ optionFilterProp: "label", searchIcon: SEARCH_SIGN }}
            aria-label={t("choose.goals")}
            placeholder={t("choose.goalsHint", { n: words.most_goals })}
            className="choose-goals"
            value={goals}
            onChange={(next: string[]) => onSet({ goals: next.length > 0 ? next : undefined })}
            options={options(words.goals)}
          />
        </div>
        <div className="choose-field">
          <span aria-hidden="true">{t("choose.group")}</span>
          <Select
            aria-label={t("choose.group")}
            className="choose-group"
            value={search.group ?? ANY}
            onChange={(next: string) => onSet({ group: next === ANY ? undefined : next })}
            options={[{ value: ANY, label: t("choose.allCustomers") }, ...options(words.groups)]}
          />
        </div>
        <div className="choose-field">
          <span aria-hidden="true">{t("choose.industry")}</span>
          <Select
            aria-label={t("choose.industry")}
            className="choose-industry"
            value={search.industry ?? ANY}
            onChange={(next: string) => onSet({ industry: next === ANY ? undefined : next })}
            options={[{ value: ANY, label: t("choose.anyIndustry") }, ...options(words.industries)]}
          />
        </div>
        <Where key={search.where} where={search.where} onSet={onSet} />
      </div>
      {chosen.length > 0 && (
        <ul className="choose-about note">
          {chosen.map((word) => (
            <li key={word.id}>
              <b>{pickText(word.name, lang)}</b> {pickText(word.about, lang)}
            </li>
          ))}
        </ul>
      )}
      <h3>{t("choose.swot")}</h3>
      <div className="choose-swot">
        {SWOT.map((kind) => (
          <Quadrant key={kind} kind={kind} words={words} search={search} onSet={onSet} />
        ))}
      </div>
    </Panel>
  );
}

function Where({ where, onSet }: { where: string | undefined; onSet: OnSet }) {
  const { t } = useTranslation();
  const [typed, setTyped] = useState(where ?? "");
  const said = typed.trim();
  return (
    <form
      className="choose-field choose-where"
      onSubmit={(event) => {
        event.preventDefault();
        onSet({ where: said === "" ? undefined : said });
      }}
    >
      <span aria-hidden="true">{t("choose.where")}</span>
      <div>
        <Input
          aria-label={t("choose.where")}
          placeholder={t("choose.whereExample")}
          value={typed}
          onChange={(event) => setTyped(event.target.value)}
        />
        <Button htmlType="submit">{t("choose.apply")}</Button>
      </div>
    </form>
  );
}

function Quadrant({
  kind,
  words,
  search,
  onSet,
}: {
  kind: Swot;
  words: ChoiceWords;
  search: ChooseSearch;
  onSet: OnSet;
}) {
  const { t } = useTranslation();
  const lang = useLang();
  const title = t(`choose.said.${kind}`);
  const own = words.statements.filter((statement) => statement.kind === kind);
  const isOwn = (id: string) => own.some((statement) => statement.id === id);
  const swot = search.swot ?? [];
  const [note, setNote] = useState(search.notes?.[kind] ?? "");
  const choose = (next: string[]) => {
    const all = [...swot.filter((id) => !isOwn(id)), ...next];
    onSet({ swot: all.length > 0 ? all : undefined });
  };
  const keep = () => {
    const { [kind]: _, ...others } = search.notes ?? {};
    const notes = note.trim() === "" ? others : { ...others, [kind]: note.trim() };
    onSet({ notes: Object.keys(notes).length > 0 ? notes : undefined });
  };
  return (
    <fieldset className={`choose-quadrant ${kind}`}>
      <legend>{title}</legend>
      <Select
        mode="multiple"
        showSearch={{ optionFilterProp: "label", searchIcon: SEARCH_SIGN }}
        aria-label={title}
        placeholder={t("choose.pick")}
        value={swot.filter(isOwn)}
        onChange={choose}
        options={own.map((statement) => ({ value: statement.id, label: pickText(statement.name, lang) }))}
      />
      <Input
        aria-label={t("choose.note", { kind: title })}
        placeholder={t("choose.noteExample")}
        maxLength={300}
        value={note}
        onChange={(event) => setNote(event.target.value)}
        onBlur={keep}
        onPressEnter={keep}
      />
    </fieldset>
  );
}
