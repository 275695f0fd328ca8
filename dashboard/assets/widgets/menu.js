/**
 * Menus below a button.
 * @module
 */
import { h, icon } from "../core/dom.js";

/**
 * @typedef {object} Item
 * @property {string} [label]
 * @property {string} [icon]
 * @property {() => void} [onClick]
 * @property {string} [href]
 * @property {string} [end] a text at the end of the line.
 * @property {boolean} [danger]
 * @property {boolean} [checked] gives the item the role of a choice.
 * @property {boolean} [line] a line between groups.
 * @property {string} [caption] the name of a group.
 * @property {Record<string, any>} [attrs]
 */

/** @type {(() => void) | null} */
let closeOpen = null;

/**
 * Make a button open a menu.
 *
 * @template {HTMLElement} T
 * @param {T} anchor
 * @param {() => (Item | null | false)[]} items is called at each opening.
 * @returns {T}
 */
export function withMenu(anchor, items) {
  anchor.setAttribute("aria-haspopup", "menu");
  anchor.setAttribute("aria-expanded", "false");
  anchor.addEventListener("click", (event) => {
    event.preventDefault();
    if (anchor.getAttribute("aria-expanded") === "true") closeOpen?.();
    else openMenu(anchor, items());
  });
  return anchor;
}

/** Open a menu below an element. */
function openMenu(anchor, items) {
  closeOpen?.();
  const menu = h("div.menu", { role: "menu" }, items.filter(Boolean).map(entry));
  // Inside a modal dialog everything else of the page is inert.
  (anchor.closest("dialog") ?? document.body).append(menu);
  place(menu, anchor);
  anchor.setAttribute("aria-expanded", "true");
  const choices = /** @type {HTMLElement[]} */ ([...menu.querySelectorAll("[role^=menuitem]")]);
  choices[0]?.focus({ preventScroll: true });

  function close(back = true) {
    closeOpen = null;
    menu.remove();
    anchor.setAttribute("aria-expanded", "false");
    document.removeEventListener("pointerdown", outside, true);
    window.removeEventListener("resize", resized);
    window.removeEventListener("hashchange", resized);
    if (back) anchor.focus({ preventScroll: true });
  }
  const resized = () => close(false);
  const outside = (event) => {
    if (!menu.contains(event.target) && !anchor.contains(event.target)) close(false);
  };
  closeOpen = () => close();
  document.addEventListener("pointerdown", outside, true);
  window.addEventListener("resize", resized);
  window.addEventListener("hashchange", resized);
  // Before the item acts: a dialog that it opens gives the focus back to what has it now, and an item is gone by then.
  menu.addEventListener("click", (event) => /** @type {HTMLElement} */ (event.target).closest("[role^=menuitem]") && close(), true);
  menu.addEventListener("keydown", (event) => {
    const at = choices.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: choices.length - 1 }[event.key];
    if (next !== undefined) choices[(next + choices.length) % choices.length]?.focus();
    else if (event.key === "Escape" || event.key === "Tab") close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
}

function entry(item) {
  if (item.line) return h("hr");
  if (item.caption) return h("div.caption", { role: "presentation" }, item.caption);
  const content = [
    item.icon && icon(item.icon),
    h("span", item.label),
    item.checked ? h("span.end", icon("check")) : item.end && h("span.end", item.end),
  ];
  const props = {
    role: item.checked === undefined ? "menuitem" : "menuitemradio",
    class: item.danger ? "danger" : "",
    tabindex: -1,
    "aria-checked": item.checked === undefined ? null : String(item.checked),
    on: item.onClick ? { click: item.onClick } : {},
    ...item.attrs,
  };
  return item.href ? h("a", { href: item.href, ...props }, content) : h("button", { type: "button", ...props }, content);
}

function place(menu, anchor) {
  const box = anchor.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = menu;
  const below = box.bottom + 4;
  const top =
    below + height > innerHeight - 8 && box.top - 4 - height > 8
      ? box.top - 4 - height
      : Math.min(below, innerHeight - height - 8);
  const left = box.left + width > innerWidth - 8 ? Math.max(8, box.right - width) : box.left;
  menu.style.top = `${Math.max(8, top)}px`;
  menu.style.left = `${left}px`;
}
