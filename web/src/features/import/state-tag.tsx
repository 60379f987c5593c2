import { useTranslation } from "react-i18next";
import type { Import } from "../../api/types";

export function StateTag({ state }: { state: Import["state"] }) {
  const { t } = useTranslation();
  return <span className={`chip state-${state}`}>{t(`import.states.${state}`)}</span>;
}
