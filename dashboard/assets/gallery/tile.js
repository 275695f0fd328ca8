/**
 * A tile of the wall. It is built once and shows one task after another.
 * @module
 */
import { ago, shortened } from "../core/format.js";
import { h, icon, setText, show } from "../core/dom.js";
import { hash } from "../core/router.js";
import { t } from "../i18n/index.js";
import { thumbnail } from "../core/paths.js";
import { stateIcon } from "../widgets/parts.js";

const HOLD_MS = 450;

/**
 * Build a tile.
 *
 * @param {number} column
 * @param {{open: (index: number) => void, select: (index: number, range: boolean) => void}} actions
 */
export function makeTile(column, { open, select }) {
  let index = -1;
  let shown = "";
  let source = "";
  const picture = h("img", { alt: "", decoding: "async", draggable: true });
  const count = h("span.tile-count.num");
  const state = h("span.tile-state");
  const star = h("span.tile-star", icon("star"));
  const mark = h("span.tile-mark", icon("check"));
  const box = h("button.tile-box", { type: "button", tabindex: -1, "aria-label": t("gallery.selectOne") }, mark);
  const link = h("a.tile-link", { tabindex: -1 }, picture, h("span.tile-none"), state, count, star);
  const element = h("div.tile", { role: "gridcell", "aria-colindex": column + 1 }, link, box);

  picture.addEventListener("load", () => picture.classList.add("ready"));
  picture.addEventListener("error", () => {
    if (!picture.getAttribute("src")) return;
    element.classList.add("broken");
    setText(element.querySelector(".tile-none"), t("gallery.gone"));
  });
  picture.addEventListener("dragstart", (event) =>
    event.dataTransfer?.setData("text/x-fooocus-image", picture.dataset.url ?? ""),
  );
  box.addEventListener("click", (event) => select(index, event.shiftKey));
  link.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) {
      event.preventDefault();
      select(index, event.shiftKey);
    } else if (held) event.preventDefault();
    else {
      event.preventDefault();
      open(index);
    }
  });
  // A finger that rests on a tile selects it.
  let timer = 0;
  let held = false;
  link.addEventListener("pointerdown", (event) => {
    held = false;
    if (event.pointerType === "mouse") return;
    timer = window.setTimeout(() => {
      held = true;
      select(index, false);
    }, HOLD_MS);
  });
  for (const kind of ["pointerup", "pointercancel", "pointermove"]) link.addEventListener(kind, () => clearTimeout(timer));
  link.addEventListener("contextmenu", (event) => held && event.preventDefault());

  return {
    element,
    focus: () => link.focus({ preventScroll: true }),
    /**
     * Show a task.
     *
     * @param {number} at
     * @param {import("./source.js").Card | null | undefined} card undefined while it is read.
     * @param {{exists: boolean, selected: boolean, focusable: boolean, pictures: boolean, side: number}} look
     */
    update(at, card, { exists, selected, focusable, pictures, side }) {
      index = at;
      element.dataset.index = String(at);
      element.style.visibility = exists ? "" : "hidden";
      link.tabIndex = focusable && exists ? 0 : -1;
      element.setAttribute("aria-selected", String(selected));
      element.classList.toggle("selected", selected);
      const key = card ? `${card.task_id} ${card.task_status} ${card.saved_images} ${card.tags ?? ""}` : `?${at}`;
      const url = card?.cover ? thumbnail(card.cover, side) : "";
      if (key !== shown) {
        shown = key;
        element.classList.remove("broken");
        element.classList.toggle("waiting", !card);
        if (card) fillIn(card);
        else {
          link.removeAttribute("href");
          show(count, false);
          show(state, false);
          show(star, false);
        }
      }
      if (url === source) return;
      if (!pictures || !url) {
        picture.classList.remove("ready");
        picture.removeAttribute("src");
        source = "";
        return;
      }
      source = url;
      picture.dataset.url = card?.cover ?? "";
      picture.src = url;
      // One that the browser has at hand takes the place of the other without a blank.
      picture.classList.toggle("ready", picture.complete && picture.naturalWidth > 0);
    },
  };

  function fillIn(card) {
    const words = [shortened(card.prompt) || t("task.noPrompt"), t(`status.${card.task_status}`), ago(card.finish_mills)];
    link.setAttribute("href", hash(["task", card.task_id]));
    link.setAttribute("aria-label", words.join(", "));
    link.title = shortened(card.prompt, 200);
    setText(count, card.saved_images);
    show(count, card.saved_images > 1);
    const plain = card.task_status === "finished";
    show(state, !plain);
    if (!plain) state.replaceChildren(icon(stateIcon(card.task_status)), card.cover ? "" : t(`status.${card.task_status}`));
    state.className = `tile-state ${card.task_status}`;
    show(star, (card.tags ?? []).includes("starred"));
    setText(element.querySelector(".tile-none"), card.cover ? "" : shortened(card.error || card.prompt, 90));
  }
}
