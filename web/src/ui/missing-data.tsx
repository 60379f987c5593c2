// Records that a metric is made of and that are not there: what to record.
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import type { MissingRecords } from "../api/types";
import { useLang } from "../i18n";
import "../i18n/definition";
import { pickText } from "./format";
import "./missing-data.css";

export function MissingData({ missing }: { missing: MissingRecords[] }) {
  const { t } = useTranslation();
  const lang = useLang();
  return (
    <ul className="missing-data">
      {missing.map((what) => {
        const name = pickText(what.name, lang);
        const field = what.field ? pickText(what.field, lang) : null;
        return (
          <li key={`${what.object} ${field ?? ""}`}>
            {what.is_evaluated ? (
              <>
                {t("definition.noEvaluation")} <Link to="/import">{t("definition.import")}</Link>
              </>
            ) : (
              <>
                {field
                  ? t("definition.noField", { name, field })
                  : t("definition.noRecords", { name, about: pickText(what.about, lang) })}{" "}
                <Link to="/records/$object" params={{ object: what.object }}>
                  {t("definition.record", { name })}
                </Link>
              </>
            )}
          </li>
        );
      })}
    </ul>
  );
}
