// What was learned of the files of each source: they are read without asking.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { App, Button } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { deleteMapping, mappingsQuery } from "../../api/queries";
import { useLang } from "../../i18n";
import { showInstant } from "../../ui/format";
import { Panel } from "../../ui/panel";

export function SavedMappings() {
  const { t } = useTranslation();
  const { message } = App.useApp();
  const lang = useLang();
  const cache = useQueryClient();
  const { data } = useQuery(mappingsQuery);
  const [asked, setAsked] = useState<string | null>(null);
  const forget = useMutation({
    mutationFn: deleteMapping,
    onSettled: () => cache.invalidateQueries({ queryKey: ["mappings"] }),
    onError: (failure) => void message.error(failure.message || t("error.unreachable")),
  });
  if (!data || data.resources.length === 0) return null;
  return (
    <Panel title={t("import.saved")} note={t("import.savedNote")}>
      <ul className="report steps">
        {data.resources.map(({ name, mapping, used_at }) => (
          <li key={name}>
            <span>
              <b>{name}</b>
              <span className="note">
                {mapping.columns
                  .filter((c) => c.field)
                  .map((c) => c.heading)
                  .join(lang === "zh" ? "、" : ", ")}
                {" · "}
                {t("import.savedUsed", { at: showInstant(used_at) })}
              </span>
            </span>
            {asked === name ? (
              <span className="controls">
                <Button danger loading={forget.isPending} onClick={() => forget.mutate(name)}>
                  {t("import.forgetSure")}
                </Button>
                <Button onClick={() => setAsked(null)}>{t("import.keep")}</Button>
              </span>
            ) : (
              <Button aria-label={t("import.forgetNamed", { name })} onClick={() => setAsked(name)}>
                {t("import.forget")}
              </Button>
            )}
          </li>
        ))}
      </ul>
    </Panel>
  );
}
