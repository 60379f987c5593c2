// Registers sw.js once the page stands, so that it never competes with the
// first load. Only the built page has one.
export function startServiceWorker(): void {
  if (!import.meta.env.PROD || !("serviceWorker" in navigator)) return;
  window.addEventListener("load", () => {
    // Without it, as over plain HTTP in a local network, the page works the same but not offline.
    navigator.serviceWorker.register("/sw.js").catch(() => undefined);
  });
}
