// Said wherever something is counted or added up that the reader sees a part
// of only.
import { useTranslation } from "react-i18next";

export function Partial({ of }: { of: { is_partial: boolean } | undefined }) {
  const { t } = useTranslation();
  return of?.is_partial ? <span className="partial">{t("shell.partial")}</span> : null;
}
