// Writes dist/sw.js from build/sw.js: the list of everything the page is made
// of, and a version that changes when any of it does.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Plugin } from "vite";

const OWN = /^(favicon\.svg|mode\.js|manifest\.webmanifest|icons\/.*\.png)$/;
/** Large, and of use only with an answer of the server. */
const NOT_OFFLINE = /^assets\/swagger/;

export function serviceWorker(): Plugin {
  let outDir = "dist";
  return {
    name: "service-worker",
    apply: "build",
    configResolved(config) {
      outDir = config.build.outDir;
    },
    closeBundle() {
      const files = readdirSync(outDir, { recursive: true, encoding: "utf8" })
        .filter((name) => /^assets\/.*\.(js|css|svg)$/.test(name) || OWN.test(name))
        .filter((name) => !NOT_OFFLINE.test(name))
        .sort();
      const source = readFileSync(new URL("./sw.js", import.meta.url), "utf8");
      const hash = createHash("sha256").update(source);
      for (const name of [...files, "index.html"]) hash.update(name).update(readFileSync(join(outDir, name)));
      const version = hash.digest("hex").slice(0, 12);
      const list = JSON.stringify(files.map((name) => `/${name}`));
      writeFileSync(
        join(outDir, "sw.js"),
        source.replace("__VERSION__", version).replace("__ASSETS__", list),
      );
    },
  };
}
