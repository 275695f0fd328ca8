/**
 * Short notes at the foot of the page, and the live regions that speak to screen readers. The regions stay: many screen readers
 * don't announce an element that comes with its text.
 * @module
 */
import { h } from "../core/dom.js";
import { t } from "../i18n/index.js";
import { errorText } from "./parts.js";

const SHOWN_MS = 6000;
const UNDO_MS = 8000;
const SPOKEN_MS = 10_000;

const list = h("div.notes");
const news = h("div.sr", { role: "status" });
const answers = h("div.sr", { role: "status" });
const alerts = h("div.sr", { role: "alert" });
document.body.append(list, news, answers, alerts);

/**
 * Have a screen reader say the outcome of a user's action at once, also if it is the same as before.
 *
 * @param {string} text
 * @param {boolean} [bad] whether it interrupts what is being said.
 */
export function announce(text, bad = false) {
  const region = bad ? alerts : answers;
  region.textContent = "";
  window.setTimeout(() => (region.textContent = [region.textContent, text].filter(Boolean).join(" ")), 50);
}

/**
 * Show a note.
 *
 * @param {string} text
 * @param {{bad?: boolean, action?: string, onAction?: () => void, ms?: number}} [options]
 * @returns {() => void} removes it.
 */
export function note(text, { bad = false, action, onAction, ms = SHOWN_MS } = {}) {
  const close = () => {
    clearTimeout(timer);
    element.remove();
  };
  const element = h(
    "div.note",
    { class: bad ? "bad" : "" },
    h("span", text),
    action &&
      h(
        "button",
        {
          type: "button",
          on: {
            click: () => {
              close();
              onAction?.();
            },
          },
        },
        action,
      ),
  );
  const timer = setTimeout(close, ms);
  list.append(element);
  announce(text, bad);
  while (list.children.length > 3) list.firstElementChild?.remove();
  return close;
}

/** Show an error. */
export const noteError = (error) => note(errorText(error), { bad: true, ms: 9000 });

/** @type {Set<(leaving: boolean) => void>} */
const pending = new Set();

/**
 * Do something that can be taken back for a while: it is done once the time to undo it is over, or the page is left.
 *
 * @param {string} text
 * @param {{commit: (leaving: boolean) => void, undo: () => void}} actions
 */
export function undoable(text, { commit, undo }) {
  let open = true;
  const end = (leaving) => {
    if (!open) return;
    open = false;
    clearTimeout(timer);
    pending.delete(end);
    close();
    commit(leaving);
  };
  const takeBack = () => {
    if (!open) return;
    open = false;
    clearTimeout(timer);
    pending.delete(end);
    close();
    undo();
  };
  const timer = setTimeout(() => end(false), UNDO_MS);
  const close = note(text, { action: t("action.undo"), onAction: takeBack, ms: UNDO_MS + 500 });
  pending.add(end);
  lastUndo = takeBack;
}

/** @type {(() => void) | null} */
let lastUndo = null;

/** Take the newest undoable action back, by its key. */
export const undoLast = () => lastUndo?.();

/** Do at once all that could still be undone. */
export function commitAll() {
  for (const end of [...pending]) end(false);
}

window.addEventListener("pagehide", () => {
  for (const end of [...pending]) end(true);
});

let spokenAt = 0;
let waiting = 0;

/** Have a screen reader say something, at most every ten seconds: later news replace those that wait. */
export function say(text) {
  clearTimeout(waiting);
  const wait = Math.max(0, spokenAt + SPOKEN_MS - Date.now());
  waiting = window.setTimeout(() => {
    spokenAt = Date.now();
    news.textContent = text;
  }, wait);
}
