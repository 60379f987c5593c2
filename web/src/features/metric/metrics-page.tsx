// Every metric with its code and what it means, by group.
import { Link } from "@tanstack/react-router";
import { Input } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useLang } from "../../i18n";
import "../../i18n/choose";
import "../../i18n/explore";
import "../../i18n/own-metric";
import { useCatalog } from "../../ui/catalog";
import { pickText } from "../../ui/format";
import { useGroupName } from "../../ui/group-name";
import { Panel } from "../../ui/panel";
import { useMayAdmin } from "../../ui/session";
import { useClear } from "../../ui/signs";

export function MetricsPage() {
  const { t } = useTranslation();
  const lang = useLang();
  const catalog = useCatalog();
  const groupName = useGroupName();
  const clear = useClear();
  const mayDesign = useMayAdmin("design");
  const [text, setText] = useState("");
  const wanted = text.trim().toLowerCase();
  const metrics = catalog.metrics.filter(
    (m) =>
      !wanted ||
      [m.code, m.id, m.name.zh, m.name.en, m.about.zh, m.about.en].some((s) =>
        s.toLowerCase().includes(wanted),
      ),
  );
  const groups = [...new Set(metrics.map((m) => m.group))];
  return (
    <main className="page" id="main">
      <header className="page-head">
        <div>
          <h1>{t("metrics.title")}</h1>
          <p className="note">{t("metrics.intro", { n: catalog.metrics.length })}</p>
        </div>
        <div className="controls">
          <Link to="/choose">{t("choose.title")}</Link>
          <Link to="/explore">{t("explore.title")}</Link>
          {mayDesign && (
            <Link to="/settings/design/metrics/$id" params={{ id: "new" }}>
              {t("ownMetric.new")}
            </Link>
          )}
          <Input
            className="search"
            allowClear={clear.input}
            value={text}
            onChange={(e) => setText(e.target.value)}
            placeholder={t("metrics.find")}
            aria-label={t("metrics.find")}
          />
        </div>
      </header>
      {groups.length === 0 && <p className="nothing">{t("metrics.none")}</p>}
      {groups.map((group) => (
        <Panel key={group} title={groupName(group)}>
          <ul className="metric-list">
            {metrics
              .filter((m) => m.group === group)
              .sort((a, b) => a.code.localeCompare(b.code, "en", { numeric: true }))
              .map((m) => (
                <li key={m.id}>
                  <Link to="/metrics/$id" params={{ id: m.id }}>
                    <span className="code">{m.code}</span> <b>{pickText(m.name, lang)}</b>
                  </Link>
                  <span className="muted">{pickText(m.about, lang)}</span>
                </li>
              ))}
          </ul>
        </Panel>
      ))}
    </main>
  );
}
