/**
 * Shortcuts: single keys, off in fields, and a sheet that lists them. They can be switched off.
 * @module
 */
import { h, isTyping } from "../core/dom.js";
import { go } from "../core/router.js";
import { t } from "../i18n/index.js";
import { prefs } from "../core/prefs.js";
import { openDialog } from "../widgets/dialog.js";
import { undoLast } from "../widgets/notes.js";

const PAGES = {
  o: "#/",
  d: "#/generate",
  g: "#/generate",
  w: "#/gallery",
  b: "#/batches",
  n: "#/nodes",
  m: "#/models",
  k: "#/keys",
  s: "#/stats",
};
const PREFIX_MS = 1500;

/**
 * A page's own keys, by `event.key`; a returned false leaves the press to the browser.
 *
 * @typedef {Record<string, (event: KeyboardEvent) => void | false>} Keys
 */

/** @type {Keys[]} */
const layers = [];

/** Add keys of a page; the returned function removes them. */
export function pageKeys(keys) {
  layers.push(keys);
  return () => void layers.splice(layers.indexOf(keys), 1);
}

/** Begin to listen. */
export function listenForKeys() {
  let prefixedAt = 0;
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || isTyping(event) || event.ctrlKey || event.metaKey || event.altKey) return;
    if (!prefs.get().shortcuts || document.querySelector("dialog[open], .menu")) return;
    const prefixed = Date.now() - prefixedAt < PREFIX_MS;
    prefixedAt = 0;
    if (prefixed && PAGES[event.key]) go(PAGES[event.key]);
    else if (act(event)) return;
    else if (event.key === "g") prefixedAt = Date.now();
    else if (event.key === "?") showShortcuts();
    else if (event.key === "u") undoLast();
    else if (event.key === "/") (document.querySelector("#gallery-search") ?? document.querySelector("#quick-search"))?.focus();
    else return;
    event.preventDefault();
  });
}

/** Let the newest layer that knows the key act. */
function act(event) {
  for (const keys of [...layers].reverse()) {
    const action = keys[event.key];
    if (action && action(event) !== false) {
      event.preventDefault();
      return true;
    }
  }
  return false;
}

const SHEET = {
  "keys.everywhere": [
    ["keys.go", "G", "O D W B N M K S"],
    ["keys.search", "/"],
    ["keys.sheet", "?"],
    ["action.undo", "U"],
  ],
  "nav.generate": [
    ["keys.generate", "Ctrl", "Enter"],
    ["keys.generateFront", "Ctrl", "Shift", "Enter"],
  ],
  "queue.title": [
    ["action.skip", "S"],
    ["action.stop", "X", "X"],
    ["queue.earlier", "Alt", "↑"],
    ["queue.later", "Alt", "↓"],
    ["queue.front", "Alt", "Home"],
  ],
  "nav.gallery": [
    ["keys.move", "← ↑ → ↓"],
    ["keys.select", "Space"],
    ["keys.range", "Shift", "→"],
    ["keys.all", "Ctrl", "A"],
    ["keys.open", "Enter"],
    ["action.delete", "Del"],
  ],
  "task.title": [
    ["keys.next", "← →"],
    ["keys.again", "A"],
    ["keys.againSeed", "R"],
    ["keys.zoom", "Z"],
    ["action.star", "."],
    ["keys.compare", "C"],
    ["keys.back", "Esc"],
  ],
  "mask.title": [
    ["mask.brush", "B"],
    ["mask.eraser", "E"],
    ["mask.size", "[ ]"],
    ["action.undo", "Ctrl", "Z"],
    ["mask.invert", "N"],
  ],
};

/** Show all shortcuts. */
export function showShortcuts() {
  openDialog({
    title: t("keys.sheet"),
    width: 860,
    body: h(
      "div.shortcuts",
      Object.entries(SHEET).map(([title, rows]) =>
        h(
          "section",
          h("h3", t(title)),
          h(
            "dl",
            rows.map(([label, ...keys]) =>
              h(
                "div",
                h("dt", t(label)),
                h(
                  "dd",
                  keys.map((key, at) => [at > 0 && " ", h("kbd", key)]),
                ),
              ),
            ),
          ),
        ),
      ),
    ),
  });
}
