// The filters above the list. Simple ones are choices; the expression box takes any condition.
import { FilterOutlined } from "@ant-design/icons";
import { useQuery } from "@tanstack/react-query";
import { Button, Input, Select, Switch } from "antd";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { insightQuery } from "../../api/queries";
import { useLang } from "../../i18n";
import { useAsOf, useCatalog } from "../../ui/catalog";
import { SEARCH_SIGN, useClear } from "../../ui/signs";
import { usePhone } from "../../ui/use-media";
import type { CustomersSearch } from "./search";

const TYPING_MS = 300;

export function Filters({
  search,
  onChange,
}: {
  search: CustomersSearch;
  onChange: (next: CustomersSearch) => void;
}) {
  const { t } = useTranslation();
  const lang = useLang();
  const catalog = useCatalog();
  const [text, setText] = useState(search.search ?? "");
  const [expression, setExpression] = useState(search.where ?? "");
  const [advanced, setAdvanced] = useState(search.where !== undefined);
  const countries = useCountries();
  const clear = useClear();
  const phone = usePhone();
  const [shown, setShown] = useState(false);
  const closed = phone && !shown;
  const active = [search.tier, search.stage, search.country, search.risk, search.where].filter(
    Boolean,
  ).length;

  useEffect(() => setText(search.search ?? ""), [search.search]);
  useEffect(() => {
    setExpression(search.where ?? "");
    if (search.where) setAdvanced(true);
  }, [search.where]);
  useEffect(() => {
    if (text === (search.search ?? "")) return;
    const timer = setTimeout(
      () => onChange({ ...search, search: text || undefined } as CustomersSearch),
      TYPING_MS,
    );
    return () => clearTimeout(timer);
  }, [text, search, onChange]);

  const set = (part: { [K in keyof CustomersSearch]?: CustomersSearch[K] | undefined }) =>
    onChange({ ...search, ...part } as CustomersSearch);
  const options = (kind: "tiers" | "stages") => catalog[kind].map((o) => ({ value: o.id, label: o[lang] }));
  return (
    <div className={closed ? "filters closed" : "filters"}>
      <Input
        className="grow search"
        allowClear={clear.input}
        prefix={SEARCH_SIGN}
        aria-label={t("customers.search")}
        placeholder={t("customers.search")}
        title={t("customers.searchHelp")}
        value={text}
        onChange={(e) => setText(e.target.value)}
      />
      {phone && (
        <Button
          icon={<FilterOutlined aria-hidden="true" />}
          aria-expanded={shown}
          onClick={() => setShown(!shown)}
        >
          {active ? t("customers.filtersOn", { n: active }) : t("customers.filters")}
        </Button>
      )}
      {!closed && (
        <>
          <Select
            allowClear={clear.select}
            aria-label={t("overview.tier")}
            placeholder={t("overview.tier")}
            value={search.tier}
            onChange={(tier) => set({ tier })}
            options={options("tiers")}
            popupMatchSelectWidth={false}
          />
          <Select
            allowClear={clear.select}
            aria-label={t("overview.stage")}
            placeholder={t("overview.stage")}
            value={search.stage}
            onChange={(stage) => set({ stage })}
            options={options("stages")}
            popupMatchSelectWidth={false}
          />
          <Select
            allowClear={clear.select}
            showSearch={{ searchIcon: SEARCH_SIGN }}
            aria-label={t("customers.country")}
            placeholder={t("customers.country")}
            value={search.country}
            onChange={(country) => set({ country })}
            options={countries.map((c) => ({ value: c, label: c }))}
            popupMatchSelectWidth={false}
          />
          {/* biome-ignore lint/a11y/noLabelWithoutControl: the switch is the control, and is named by the label's text. */}
          <label className="switch">
            <Switch
              size="small"
              checked={search.risk ?? false}
              onChange={(on) => set({ risk: on || undefined })}
              aria-label={t("customers.atRiskOnly")}
            />
            {t("customers.atRiskOnly")}
          </label>
          <Button
            icon={<FilterOutlined aria-hidden="true" />}
            aria-expanded={advanced}
            onClick={() => setAdvanced(!advanced)}
          >
            {t("customers.expression")}
          </Button>
          {advanced && (
            <form
              className="expression"
              onSubmit={(e) => {
                e.preventDefault();
                set({ where: expression.trim() || undefined });
              }}
            >
              <Input
                className="mono"
                aria-label={t("customers.expression")}
                placeholder={t("customers.expressionExample")}
                value={expression}
                onChange={(e) => setExpression(e.target.value)}
              />
              <Button htmlType="submit">{t("customers.apply")}</Button>
              <p className="note">{t("customers.expressionHelp")}</p>
            </form>
          )}
        </>
      )}
    </div>
  );
}

/** Countries with buyers, the largest first. */
function useCountries(): string[] {
  const catalog = useCatalog();
  const asOf = useAsOf();
  const metric = catalog.metrics.find((m) => m.id === "buyers");
  const by = ["customer.country", "country"].find((path) => metric?.dimensions.includes(path));
  const { data } = useQuery({
    ...insightQuery({ metrics: ["buyers"], by: [by ?? ""], as_of: asOf, sort: ["-buyers"], limit: 300 }),
    enabled: by !== undefined && asOf !== null,
  });
  return (data?.rows ?? []).map((r) => r[0]).filter((c): c is string => typeof c === "string" && c !== "");
}
