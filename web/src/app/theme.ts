// Ant Design's tokens. The text colours are set because the defaults fail
// WCAG AA on grey; the same values stand as custom properties in app.css.
import type { ThemeConfig } from "antd";

export const theme: ThemeConfig = {
  zeroRuntime: true,
  token: {
    colorPrimary: "#1f4fd1",
    colorLink: "#1f4fd1",
    colorInfo: "#1f4fd1",
    colorSuccess: "#0b7a43",
    colorError: "#c22a2a",
    colorWarning: "#a05a00",
    colorText: "#1c2430",
    colorTextSecondary: "#4a5566",
    colorTextDescription: "#5a6577",
    colorTextTertiary: "#5a6577",
    colorTextPlaceholder: "#667084",
    colorTextQuaternary: "#667084",
    colorBorder: "#cfd6e0",
    borderRadius: 6,
    fontSize: 14,
    fontFamily:
      'system-ui, -apple-system, "Segoe UI", "PingFang SC", "Hiragino Sans GB", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif',
  },
};
