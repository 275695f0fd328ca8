/**
 * What this browser remembers: theme, language, size of tiles, shortcuts, the draft of a request. Never a key.
 * @module
 */
import { createStore } from "./store.js";

const PREFIX = "fooocus.";

const DEFAULTS = {
  /** @type {"system" | "light" | "dark"} */
  theme: "system",
  /** @type {"" | "en" | "zh"} empty for the browser's own */
  language: "",
  /** Width of a gallery tile in CSS pixels. */
  tile: 168,
  /** True blurs all pictures until they are pointed at or focused. */
  blurred: false,
  /** Single keys as shortcuts. */
  shortcuts: true,
  /** The Generate panel next to the overview. */
  panel: true,
};

export const prefs = createStore({ ...DEFAULTS, ...read("prefs", {}) });

prefs.watch((value) => write("prefs", value), false);

prefs.watch(({ theme, blurred }) => {
  const root = document.documentElement;
  if (theme === "system") delete root.dataset.theme;
  else root.dataset.theme = theme;
  root.classList.toggle("blurred", blurred);
});

/**
 * Read a stored value. A browser may refuse its storage, and a value may be of an older version: both give `otherwise`.
 *
 * @template T
 * @param {string} name
 * @param {T} otherwise
 * @returns {T}
 */
export function read(name, otherwise) {
  try {
    const text = localStorage.getItem(PREFIX + name);
    const value = text === null ? null : JSON.parse(text);
    return value !== null && typeof value === typeof otherwise ? value : otherwise;
  } catch {
    return otherwise;
  }
}

/** Store a value; without storage it lasts as long as the page. */
export function write(name, value) {
  try {
    if (value === null) localStorage.removeItem(PREFIX + name);
    else localStorage.setItem(PREFIX + name, JSON.stringify(value));
  } catch {
    // A full or refused storage is no reason to stop.
  }
}
