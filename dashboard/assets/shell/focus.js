/**
 * The focus stays near its place when what has it is removed, hidden or disabled: without that the browser gives it to the whole
 * page, and the next Tab begins at the top.
 * @module
 */

const HEADING = "h1:not(.sr), h2:not(.sr), h3:not(.sr)";

/** The element that had the focus last, and those around it, from the inside out. @type {HTMLElement[]} */
let trail = [];
let frame = 0;

/** Start to keep it. */
export function keepFocus() {
  document.addEventListener("focusin", ({ target }) => {
    trail = [];
    for (let one = /** @type {HTMLElement | null} */ (target); one && one !== document.body; one = one.parentElement) trail.push(one);
  });
  // In the next frame: a dialog that closes and a page that opens choose a better place at once.
  new MutationObserver(() => {
    frame ||= requestAnimationFrame(restore);
  }).observe(document.body, { subtree: true, childList: true, attributes: true, attributeFilter: ["hidden", "disabled"] });
}

function restore() {
  frame = 0;
  const now = document.activeElement;
  // What was hidden in this frame has the focus until the frame is painted.
  if ((now && now !== document.body && canHaveFocus(now)) || !trail.length || document.querySelector("dialog[open]")) return;
  // A click on an empty place takes the focus away on purpose.
  if (canHaveFocus(trail[0])) return;
  const twin = twinOf(trail[0]);
  if (twin) {
    twin.focus({ preventScroll: true });
    return;
  }
  const around = trail.slice(1).find((one) => isShown(one) && (one.id === "main" || one.querySelector(HEADING)));
  const place = around ?? document.querySelector("#main");
  const heading = place?.hasAttribute("aria-label") ? null : /** @type {HTMLElement | null} */ (place?.querySelector(HEADING));
  const target = heading && isShown(heading) ? heading : /** @type {HTMLElement | null} */ (place);
  if (!target) return;
  if (!target.hasAttribute("tabindex")) target.tabIndex = -1;
  target.focus({ preventScroll: true });
}

/** The element of the same name, in a part of the page that was drawn again as a whole and says so by `data-redrawn`. */
function twinOf(lost) {
  const part = trail.find((one) => one.isConnected && one.matches("[data-redrawn]"));
  const all = /** @type {HTMLElement[]} */ ([...(part?.querySelectorAll(lost.tagName) ?? [])]);
  return all.find((one) => nameOf(one) === nameOf(lost) && canHaveFocus(one));
}

const nameOf = (element) => element.getAttribute("aria-label") ?? element.textContent;
const isShown = (element) => element.isConnected && element.checkVisibility();
const canHaveFocus = (element) => isShown(element) && !element.matches(":disabled");
