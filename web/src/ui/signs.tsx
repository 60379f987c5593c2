// Ant Design reads its icons aloud by their English names. Here they are signs
// beside a name in the reader's language.
import {
  CloseCircleFilled,
  CloseOutlined,
  DownOutlined,
  ExclamationCircleFilled,
  InfoCircleFilled,
  SearchOutlined,
} from "@ant-design/icons";
import { useTranslation } from "react-i18next";

export const CLOSE_SIGN = <CloseOutlined aria-hidden="true" />;
export const SEARCH_SIGN = <SearchOutlined aria-hidden="true" />;
export const SELECT_SIGNS = { suffixIcon: <DownOutlined aria-hidden="true" /> };
export const ALERT_SIGNS = {
  errorIcon: <CloseCircleFilled aria-hidden="true" />,
  infoIcon: <InfoCircleFilled aria-hidden="true" />,
  warningIcon: <ExclamationCircleFilled aria-hidden="true" />,
};

/** What empties a field: for Select by its label, for Input by its icon's. */
export function useClear() {
  const { t } = useTranslation();
  const label = t("field.clear");
  return {
    select: { clearIcon: <CloseCircleFilled aria-hidden="true" />, label },
    input: { clearIcon: <CloseCircleFilled aria-label={label} /> },
  };
}
