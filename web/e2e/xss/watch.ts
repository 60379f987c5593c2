// What a page did with a text that it should only have shown.
import type { BrowserContext, Page } from "@playwright/test";
import { CANARY } from "./payloads";

/** Counts what runs, is asked for, is refused by the policy, or stands in the page as markup. */
export class Watch {
  readonly found: string[] = [];

  static async of(context: BrowserContext): Promise<Watch> {
    const watch = new Watch();
    await context.exposeFunction("__ran", (what: string) => watch.found.push(`ran: ${what}`));
    await context.exposeFunction("__refused", (what: string) => watch.found.push(`policy: ${what}`));
    await context.addInitScript(() => {
      document.addEventListener("securitypolicyviolation", (e) => {
        const tell = (window as unknown as { __refused?: (what: string) => void }).__refused;
        tell?.(`${e.violatedDirective} ${e.blockedURI} ${e.sample}`);
      });
    });
    context.on("dialog", async (dialog) => {
      watch.found.push(`dialog: ${dialog.message()}`);
      await dialog.dismiss();
    });
    context.on("request", (request) => {
      const { pathname, hostname } = new URL(request.url());
      if (pathname.startsWith(`/${CANARY}`) || hostname === "example.invalid")
        watch.found.push(`asked: ${request.url()}`);
    });
    return watch;
  }

  /** Looks through every frame of the page; gives what was found since the last look. */
  async look(page: Page): Promise<string[]> {
    for (const frame of page.frames()) {
      const marks = await frame
        .evaluate((canary) => {
          const all: string[] = [];
          for (const element of document.querySelectorAll(`[id^="${canary}"]`))
            all.push(`element: ${element.id}`);
          for (const element of document.querySelectorAll("[href], [src], [action], [formaction], [data]"))
            for (const name of ["href", "src", "action", "formaction", "data"]) {
              const value = (element.getAttribute(name) ?? "").replace(/[\s\p{Cc}]/gu, "");
              const isPicture =
                element.tagName === "IMG" && /^data:image\/(png|svg\+xml|jpeg|gif)/i.test(value);
              if (/^(javascript|data|vbscript):/i.test(value) && !isPicture && element.tagName !== "LINK")
                all.push(`link: ${value.slice(0, 80)}`);
            }
          for (const element of document.querySelectorAll("*"))
            for (const { name, value } of element.attributes)
              if (name.startsWith("on")) all.push(`handler: ${name}=${value.slice(0, 60)}`);
          return all;
        }, CANARY)
        .catch(() => [] as string[]);
      this.found.push(...marks);
    }
    return this.found.splice(0);
  }
}
