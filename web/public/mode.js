// Runs before the first paint, from a file of its own: the policy allows no
// script in the page. src/ui/mode.ts takes over from here.
(() => {
  const kept = localStorage.getItem("keji.mode");
  const isDark = kept === "light" || kept === "dark" ? kept === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.dataset.mode = isDark ? "dark" : "light";
  if (isDark) document.querySelector('meta[name="theme-color"]')?.setAttribute("content", "#171c24");
})();
