/**
 * All other fields, found by a search: by their WebUI names, their own names and their descriptions, in both languages.
 * @module
 */
import { h, icon, keyed, show } from "../core/dom.js";
import { t } from "../i18n/index.js";
import { button } from "../widgets/parts.js";
import { control } from "./controls.js";
import { draft, setValue } from "./draft.js";
import { labelOf, textsOf } from "./schema.js";
import { IMAGE_FIELDS } from "../images/section.js";

/** Fields that the page sets itself. */
const OWN = ["async_process", "stream_output", "require_base64"];

/**
 * Build the section.
 *
 * @param {import("./schema.js").Schema} schema
 * @param {string[]} first fields with a place of their own.
 * @param {(name: string) => void} goTo brings such a field into view.
 */
export function moreFields({ fields }, first, goTo) {
  const elsewhere = [...first, ...IMAGE_FIELDS].filter((name) => name in fields);
  const hidden = new Set([...elsewhere, ...OWN]);
  const names = Object.keys(fields).filter((name) => !hidden.has(name));
  /** @type {Map<string, import("./controls.js").Control>} */
  const controls = new Map();
  const search = h("input.input", {
    type: "search",
    placeholder: t("generate.find", { n: names.length }),
    "aria-label": t("generate.find", { n: names.length }),
    on: { input: draw },
  });
  const list = h("div.more-fields");
  const others = h("div.chips");
  const above = h("div.more-above", { hidden: true }, h("p.hint", t("generate.above")), others);
  const all = h("label.check.small", h("input", { type: "checkbox", on: { change: draw } }), t("generate.all"));
  const element = h(
    "details.field.more",
    h("summary", icon("right"), t("generate.more"), h("span.badge")),
    h("div.more-body", search, all, above, list),
  );
  element.addEventListener("toggle", draw);
  let revealed = "";

  /** Those that are found, and those that differ from their defaults, so that none has an effect unseen. */
  function draw() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const isFound = (name) => {
      const text = textsOf(name, fields[name]).toLowerCase();
      return words.every((word) => text.includes(word));
    };
    const { values, problems } = draft.get();
    const wanted = names.filter((name) => {
      if (name in values || name === revealed || problems.some(({ field }) => field.startsWith(name))) return true;
      return words.length ? isFound(name) : all.firstChild.checked;
    });
    const set = Object.keys(values).filter((name) => names.includes(name)).length;
    const badge = element.querySelector(".badge");
    badge.textContent = String(set);
    show(badge, set > 0);
    if (!element.open) return;
    const placed = words.length ? elsewhere.filter(isFound) : [];
    show(above, placed.length > 0);
    keyed(others, placed, (name) => name, link);
    for (const name of wanted) if (!controls.has(name)) controls.set(name, made(name));
    for (const [name, { element: field }] of controls) show(field, wanted.includes(name));
    // In the schema's order, and only if that changed: a field that has the focus stays in its place.
    const shown = names.filter((name) => controls.has(name)).map((name) => controls.get(name).element);
    if (shown.some((field, at) => list.children[at] !== field)) list.replaceChildren(...shown);
    for (const name of wanted) controls.get(name)?.sync();
  }

  function link(name) {
    return button({ label: labelOf(name, fields[name]), small: true, onClick: () => goTo(name) });
  }

  function made(name) {
    const built = control(name, fields[name]);
    const back = button({
      label: t("generate.default"),
      icon: "undo",
      kind: "quiet",
      small: true,
      compact: true,
      onClick: () => setValue(name, undefined),
    });
    built.element.classList.add("more-field");
    built.element.append(back);
    return {
      element: built.element,
      sync: () => {
        built.sync();
        show(back, name in draft.get().values);
      },
    };
  }
  return {
    element,
    sync: draw,
    /** Show a field, if it is one of these. */
    reveal(name) {
      if (!names.includes(name)) return;
      revealed = name;
      element.open = true;
      draw();
    },
  };
}
