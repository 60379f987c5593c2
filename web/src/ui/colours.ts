// The colours of both modes, for Ant Design's tokens and for the charts. The
// same values stand as custom properties in app/theme.css; a test compares them.
export type Mode = "light" | "dark";

export type Colours = {
  ink: string;
  ink2: string;
  ink3: string;
  line: string;
  line2: string;
  ground: string;
  paper: string;
  raised: string;
  accent: string;
  good: string;
  bad: string;
  risk: string;
  /** A comparison beside the value itself. */
  muted: string;
  /** The gaps of a hatched bar. */
  hatch: string;
  /** Lines of a chart, told apart in this order. */
  series: string[];
};

export const COLOURS: Record<Mode, Colours> = {
  light: {
    ink: "#1c2430",
    ink2: "#4a5566",
    ink3: "#5a6577",
    line: "#e2e6ec",
    line2: "#cfd6e0",
    ground: "#f4f6f9",
    paper: "#ffffff",
    raised: "#ffffff",
    accent: "#1f4fd1",
    good: "#0b7a43",
    bad: "#c22a2a",
    risk: "#a05a00",
    muted: "#8a95a6",
    hatch: "rgba(255,255,255,0.75)",
    series: ["#1f4fd1", "#c2571a", "#0b7a6b", "#8a3fb0", "#8c6d00", "#b02a5b", "#44688a", "#5b6b1f"],
  },
  dark: {
    ink: "#e6e9ef",
    ink2: "#b9c2cf",
    ink3: "#9ea9b9",
    line: "#2b323d",
    line2: "#465062",
    ground: "#0f1318",
    paper: "#171c24",
    raised: "#1f2630",
    accent: "#8fb0ff",
    good: "#56c98d",
    bad: "#ff8c85",
    risk: "#f0b14e",
    muted: "#7b8798",
    hatch: "rgba(15,19,24,0.6)",
    series: ["#7ea2ff", "#f0935a", "#3fc1ac", "#c98be6", "#d6b341", "#f07ba6", "#8fb3d6", "#a9bd5a"],
  },
};
