// Who else looks at a record. It comes when somebody does, with its words.
import { useTranslation } from "react-i18next";
import "../../i18n/batches";

export function Here({ names }: { names: string[] }) {
  const { t } = useTranslation();
  return (
    <span className="chip" role="status">
      {t("batches.here", { names: names.join(", ") })}
    </span>
  );
}
