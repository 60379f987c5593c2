// Stories in a real browser against a real server: the one at KEJI_URL, or
// the program at KEJI_BIN on an empty folder.
import { defineConfig } from "@playwright/test";

export default defineConfig({
  testDir: "e2e",
  // Several times what the longest needs: one that hangs shall not use up the
  // time of all others.
  timeout: 5 * 60_000,
  expect: { timeout: 30_000, toPass: { timeout: 60_000 } },
  // Each file has a server of its own.
  workers: 2,
  // A busy machine may miss a moment; what passes at the second try only is
  // told as flaky.
  retries: process.env.CI ? 1 : 0,
  reporter: [["list"]],
  use: {
    actionTimeout: 30_000,
    navigationTimeout: 60_000,
    trace: "retain-on-failure",
    // A movement that a busy machine cuts short may never be told as ended.
    contextOptions: { reducedMotion: "reduce" },
    // The story about it turns it on; in the others it would answer in the server's place.
    serviceWorkers: "block",
    launchOptions: {
      executablePath: process.env.KEJI_CHROMIUM ?? "/usr/bin/chromium",
      args: [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    },
  },
});
