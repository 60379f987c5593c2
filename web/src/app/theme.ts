// Ant Design's tokens for each mode. The text colours are set because the
// defaults fail WCAG AA on grey.
import { type ThemeConfig, theme } from "antd";
import { COLOURS, type Mode } from "../ui/colours";

/** White text on it passes AA in both modes; the accent itself is too pale for that in the dark. */
const PRIMARY: Record<Mode, string> = { light: "#1f4fd1", dark: "#3d6be6" };
/** What a thumb hits. */
const TARGET = 40;

export function themeOf(mode: Mode, isPhone: boolean): ThemeConfig {
  const c = COLOURS[mode];
  return {
    zeroRuntime: true,
    algorithm: mode === "dark" ? theme.darkAlgorithm : theme.defaultAlgorithm,
    token: {
      motion: !(typeof matchMedia === "function" && matchMedia("(prefers-reduced-motion: reduce)").matches),
      colorPrimary: PRIMARY[mode],
      colorInfo: PRIMARY[mode],
      colorLink: c.accent,
      // The paler shades that would be derived are too pale to be read.
      colorLinkHover: c.accent,
      colorLinkActive: c.accent,
      colorSuccess: c.good,
      colorError: c.bad,
      colorWarning: c.risk,
      colorText: c.ink,
      colorTextSecondary: c.ink2,
      colorTextDescription: c.ink3,
      colorTextTertiary: c.ink3,
      colorTextPlaceholder: c.ink3,
      colorTextQuaternary: c.ink3,
      colorBorder: c.line2,
      colorBgContainer: c.paper,
      colorBgLayout: c.ground,
      colorBgElevated: c.raised,
      borderRadius: 6,
      fontSize: 14,
      fontFamily:
        'system-ui, -apple-system, "Segoe UI", "PingFang SC", "Hiragino Sans GB", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif',
      ...(isPhone ? { controlHeight: TARGET, controlHeightSM: TARGET } : {}),
    },
  };
}
