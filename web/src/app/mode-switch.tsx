// System, light or dark. A native select under an icon: it needs no code, and
// is as large as a thumb.
import { DesktopOutlined, MoonOutlined, SunOutlined } from "@ant-design/icons";
import { useTranslation } from "react-i18next";
import { CHOICES, type Choice, chooseMode, useModeChoice } from "../ui/mode";

const ICONS = { system: <DesktopOutlined />, light: <SunOutlined />, dark: <MoonOutlined /> };

export function ModeSwitch() {
  const { t } = useTranslation();
  const choice = useModeChoice();
  return (
    <span className="mode" title={t(`mode.${choice}`)}>
      <span aria-hidden="true">{ICONS[choice]}</span>
      <select
        aria-label={t("mode.label")}
        value={choice}
        onChange={(event) => chooseMode(event.target.value as Choice)}
      >
        {CHOICES.map((c) => (
          <option key={c} value={c}>
            {t(`mode.${c}`)}
          </option>
        ))}
      </select>
    </span>
  );
}
