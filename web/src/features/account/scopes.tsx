// What a token may do: everything that its maker may, or a part of it.
import { Select } from "antd";
import { useTranslation } from "react-i18next";
import type { ObjectDef } from "../../api/records";
import { useLang } from "../../i18n";
import { pickText } from "../../ui/format";
import { useObjects, useUser } from "../../ui/session";

/** Of all objects or of one, as `customer:read`. */
const ACTIONS = ["read", "write", "export"] as const;
const isAction = (word: string): word is (typeof ACTIONS)[number] =>
  (ACTIONS as readonly string[]).includes(word);

/** A scope in the reader's words; one that the page does not know as it is. */
export function useScopeWords(): (scope: string) => string {
  const { t } = useTranslation();
  const lang = useLang();
  const objects = useObjects();
  return (scope) => {
    if (scope === "admin") return t("account.scopes.admin");
    if (isAction(scope)) return t(`account.scopes.${scope}`);
    const [id = "", word = ""] = scope.split(":");
    const object = objects.find((o) => o.id === id);
    return object && isAction(word)
      ? t("account.scopeOf", { object: pickText(object.name, lang), what: t(`account.scopes.${word}`) })
      : scope;
  };
}

export function ScopesInput({ value, onChange }: { value: string[]; onChange: (next: string[]) => void }) {
  const { t } = useTranslation();
  const lang = useLang();
  const objects = useObjects();
  const isAdmin = (useUser()?.admin.length ?? 0) > 0;
  const words = useScopeWords();
  const option = (scope: string) => ({ value: scope, label: words(scope) });
  const ofObject = (object: ObjectDef) => ({
    label: pickText(object.name, lang),
    options: ACTIONS.filter((a) => a !== "write" || object.is_writable).map((a) =>
      option(`${object.id}:${a}`),
    ),
  });
  return (
    <Select
      mode="multiple"
      className="token-scopes"
      aria-label={t("account.tokenScopes")}
      placeholder={t("account.tokenWhole")}
      value={value}
      onChange={onChange}
      showSearch={{ optionFilterProp: "label" }}
      options={[
        {
          label: t("account.scopesAll"),
          options: [...ACTIONS, ...(isAdmin ? ["admin"] : [])].map(option),
        },
        ...objects.map(ofObject),
      ]}
    />
  );
}
