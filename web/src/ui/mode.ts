// Light or dark: what the reader chose, or what the system says. public/mode.js
// sets the same attribute before the first paint.
import { useSyncExternalStore } from "react";
import { COLOURS, type Mode } from "./colours";

export const CHOICES = ["system", "light", "dark"] as const;
export type Choice = (typeof CHOICES)[number];

const KEY = "keji.mode";
const system = window.matchMedia("(prefers-color-scheme: dark)");
const listeners = new Set<() => void>();

function chosen(): Choice {
  const kept = localStorage.getItem(KEY);
  return kept === "light" || kept === "dark" ? kept : "system";
}

function current(): Mode {
  const choice = chosen();
  return choice === "system" ? (system.matches ? "dark" : "light") : choice;
}

function apply(): void {
  const mode = current();
  document.documentElement.dataset.mode = mode;
  document.querySelector('meta[name="theme-color"]')?.setAttribute("content", COLOURS[mode].paper);
  for (const changed of listeners) changed();
}

function subscribe(changed: () => void): () => void {
  listeners.add(changed);
  return () => listeners.delete(changed);
}

system.addEventListener("change", apply);
// Another window of the same browser may have chosen.
window.addEventListener("storage", (event) => event.key === KEY && apply());

export function chooseMode(choice: Choice): void {
  localStorage.setItem(KEY, choice);
  apply();
}

export const useModeChoice = (): Choice => useSyncExternalStore(subscribe, chosen);
export const useMode = (): Mode => useSyncExternalStore(subscribe, current);
