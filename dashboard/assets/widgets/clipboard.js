/**
 * Copying, also on plain http in a network, where browsers have no clipboard object.
 * @module
 */
import { h } from "../core/dom.js";
import { t } from "../i18n/index.js";
import { note } from "./notes.js";

/**
 * Copy a text, and say so.
 *
 * @param {string} text
 * @param {string} [said]
 */
export async function copyText(text, said = t("copy.done")) {
  try {
    if (!navigator.clipboard) throw new Error("no clipboard");
    await navigator.clipboard.writeText(text);
  } catch {
    const area = h("textarea.sr", { props: { value: text }, readonly: true, tabindex: -1 });
    const before = document.activeElement;
    (document.querySelector("dialog[open]") ?? document.body).append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    if (before instanceof HTMLElement) before.focus({ preventScroll: true });
    if (!done) {
      note(t("copy.failed"), { bad: true });
      return;
    }
  }
  note(said);
}
