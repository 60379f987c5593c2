// The metrics that were defined here, on the page of all definitions.
import { PlusOutlined } from "@ant-design/icons";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import type { Design } from "../../api/design";
import { useLang } from "../../i18n";
import "../../i18n/own-metric";
import { pickText } from "../../ui/format";
import { Panel } from "../../ui/panel";
import "./design.css";

export function OwnMetrics({ metrics }: { metrics: Design["metrics"] }) {
  const { t } = useTranslation();
  const lang = useLang();
  return (
    <Panel
      title={t("ownMetric.own")}
      note={t("ownMetric.note")}
      actions={
        <Link to="/settings/design/metrics/$id" params={{ id: "new" }} className="button-link plain">
          <PlusOutlined aria-hidden="true" /> {t("ownMetric.new")}
        </Link>
      }
    >
      {metrics.length === 0 ? (
        <p className="muted">{t("ownMetric.ownEmpty")}</p>
      ) : (
        <ul className="design-cards">
          {metrics.map((metric) => (
            <li key={metric.id}>
              <Link to="/settings/design/metrics/$id" params={{ id: metric.id }}>
                <strong>{pickText(metric.name, lang)}</strong>
                <span className="muted">
                  {t("ownMetric.ownVersion", { n: metric.version })} · <code>{metric.formula}</code>
                </span>
              </Link>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}
