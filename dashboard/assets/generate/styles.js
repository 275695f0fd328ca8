/**
 * The choice of styles by Fooocus's own sample pictures.
 * @module
 */
import { h, icon, show } from "../core/dom.js";
import { t } from "../i18n/index.js";
import { get } from "../core/api.js";
import { image } from "../core/paths.js";
import { openDialog } from "../widgets/dialog.js";
import { button } from "../widgets/parts.js";
import { draft, setValue, valueOf } from "./draft.js";

/** @type {Map<string, Promise<any>>} */
const details = new Map();

/**
 * Open the dialog.
 *
 * @param {string[]} names all styles of this Fooocus.
 */
export function pickStyles(names) {
  const search = h("input.input", {
    type: "search",
    placeholder: t("styles.search"),
    "aria-label": t("styles.search"),
    autofocus: true,
    on: { input: filter },
  });
  const count = h("span.muted.small");
  const grid = h("div.style-grid");
  const chosen = new Set(valueOf("style_selections") ?? []);
  // Those chosen come first, as they were when the dialog opened: a card never moves away below the pointer.
  const cards = [...names].sort((a, b) => Number(chosen.has(b)) - Number(chosen.has(a))).map(card);
  grid.append(...cards);

  const seen = new IntersectionObserver(
    (entries) => {
      for (const { isIntersecting, target } of entries) {
        if (!isIntersecting) continue;
        seen.unobserve(target);
        void picture(/** @type {HTMLElement} */ (target));
      }
    },
    { root: null, rootMargin: "200px" },
  );
  for (const one of cards) seen.observe(one);

  function card(name) {
    const box = h("input.sr", {
      type: "checkbox",
      value: name,
      checked: chosen.has(name),
      on: { change: () => toggle(name, box.checked) },
    });
    return h(
      "label.style-card",
      { data: { name } },
      box,
      h("span.style-picture", icon("gallery")),
      h("span.style-name.clip", { title: name }, name),
      h("span.style-check", icon("check")),
    );
  }
  function toggle(name, on) {
    const now = valueOf("style_selections") ?? [];
    setValue("style_selections", on ? [...now.filter((one) => one !== name), name] : now.filter((one) => one !== name));
  }
  function filter() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const one of cards)
      show(
        one,
        words.every((word) => String(one.dataset.name).toLowerCase().includes(word)),
      );
  }
  const stop = draft.watch(() => {
    const now = new Set(valueOf("style_selections") ?? []);
    for (const one of cards) one.querySelector("input").checked = now.has(one.dataset.name);
    count.textContent = t("styles.count", { n: now.size });
  });
  const { close } = openDialog({
    title: t("task.styles"),
    width: 980,
    className: "styles-dialog",
    body: [search, grid],
    onClose: () => {
      stop();
      seen.disconnect();
    },
    footer: [
      count,
      h("span.fill"),
      button({ label: t("styles.clear"), onClick: () => setValue("style_selections", []) }),
      button({ label: t("action.done"), kind: "primary", onClick: () => close() }),
    ],
  });
}

/** Show the sample picture of a style once its card is seen: there are hundreds. */
async function picture(card) {
  const name = String(card.dataset.name);
  if (!details.has(name))
    details.set(
      name,
      get(`/v1/engines/styles/${encodeURIComponent(name)}`).catch(() => null),
    );
  const style = await details.get(name);
  if (!style) return;
  card.title = style.prompt ? `${style.prompt}` : name;
  if (style.sample_url)
    card.querySelector(".style-picture")?.replaceChildren(h("img", { src: image(style.sample_url), alt: "", decoding: "async" }));
}
