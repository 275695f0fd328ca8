/**
 * The page of the panel that generates.
 * @module
 */
import { h } from "../core/dom.js";
import { t } from "../i18n/index.js";
import { generatePanel } from "./panel.js";

/** Fill the page. */
export function mount(root) {
  const panel = generatePanel();
  root.append(h("h1.sr", t("nav.generate")), panel.element);
  return panel.end;
}
