/**
 * Elements, built without markup: texts become text nodes, so that a prompt or a file name can't become an element.
 * @module
 */

const SVG = "http://www.w3.org/2000/svg";

/**
 * Build an HTML element.
 *
 * @param {string} tag the element's name, with classes and an id as in `button.primary#stop`.
 * @param {Record<string, any> | Node | string | null} [props] attributes; `on` has listeners, `data` the data attributes, `vars` CSS
 *   variables and `props` properties of the object. False and null leave an attribute out, true makes it empty.
 * @param {...any} children nodes, texts, numbers and arrays of them; null and false are left out.
 * @returns {any}
 */
export function h(tag, props, ...children) {
  const [name, ...marks] = tag.split(/(?=[.#])/);
  const element = document.createElement(name || "div");
  for (const mark of marks) {
    if (mark[0] === "#") element.id = mark.slice(1);
    else element.classList.add(mark.slice(1));
  }
  if (props === null || props === undefined || isChild(props)) children.unshift(props);
  else assign(element, /** @type {Record<string, any>} */ (props));
  add(element, children);
  return element;
}

/**
 * Build an SVG element.
 *
 * @param {string} tag
 * @param {Record<string, any>} [attributes]
 * @param {...any} children
 * @returns {SVGElement}
 */
export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) element.setAttribute(name, String(value));
  }
  add(element, children);
  return element;
}

const ICONS = new URL("../icons.svg", import.meta.url).href;

/**
 * Build an icon of `icons.svg`. It is decoration: the words next to it, or the label of its button, say what it means.
 *
 * @param {string} name
 */
export function icon(name) {
  return svg("svg", { class: "icon", viewBox: "0 0 20 20", "aria-hidden": "true" }, svg("use", { href: `${ICONS}#${name}` }));
}

/** Set attributes, listeners and properties of an element. */
function assign(element, props) {
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "class") element.classList.add(...String(value).split(/\s+/).filter(Boolean));
    else if (name === "on") for (const [kind, listener] of Object.entries(value)) element.addEventListener(kind, listener);
    else if (name === "data") Object.assign(element.dataset, value);
    else if (name === "vars") for (const [key, text] of Object.entries(value)) element.style.setProperty(key, text);
    else if (name === "props") Object.assign(element, value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
}

function isChild(value) {
  return value instanceof Node || Array.isArray(value) || typeof value !== "object";
}

/**
 * Append children: nodes as they are, everything else as text.
 *
 * @param {Node} parent
 * @param {any[]} children
 */
export function add(parent, children) {
  for (const child of children) {
    if (child === null || child === undefined || child === false || child === true || child === "") continue;
    if (Array.isArray(child)) add(parent, child);
    else parent.appendChild(child instanceof Node ? child : document.createTextNode(String(child)));
  }
}

/**
 * Replace all children of an element.
 *
 * @param {Element} parent
 * @param {...any} children
 */
export function fill(parent, ...children) {
  parent.replaceChildren();
  add(parent, children);
  return parent;
}

/** Set a text only if it differs, so that an unchanged line costs no layout and is not read out again. */
export function setText(node, text) {
  const wanted = text === null || text === undefined ? "" : String(text);
  if (node.textContent !== wanted) node.textContent = wanted;
}

/** Show or hide an element by its `hidden` attribute. */
export function show(element, visible) {
  if (element.hidden === visible) element.hidden = !visible;
}

/**
 * Keep one element for each item, in the items' order. Elements of items that stay are moved, not rebuilt: focus and scroll stay.
 * If the element with the focus has no item any more, its neighbour's first link or button gets it.
 *
 * @template T
 * @param {Element} parent
 * @param {readonly T[]} items
 * @param {(item: T) => string} key
 * @param {(item: T) => any} make builds the element of a new item.
 * @param {(element: any, item: T, index: number) => void} [update] is called for each item, new ones included.
 */
export function keyed(parent, items, key, make, update) {
  const old = new Map();
  const before = [...parent.children];
  for (const child of before) {
    const id = /** @type {HTMLElement} */ (child).dataset.key;
    if (id !== undefined) old.set(id, child);
  }
  const focused = document.activeElement;
  let place = parent.firstElementChild;
  items.forEach((item, index) => {
    const id = key(item);
    let element = old.get(id);
    if (element) old.delete(id);
    else {
      element = make(item);
      element.dataset.key = id;
    }
    if (element === place) place = place.nextElementSibling;
    else parent.insertBefore(element, place);
    update?.(element, item, index);
  });
  const lost = [...old.values()].find((element) => element.contains(focused));
  for (const element of old.values()) element.remove();
  if (lost) {
    const at = before.indexOf(lost);
    const neighbour = [...before.slice(at + 1), ...before.slice(0, at).reverse()].find((one) => one.parentNode === parent);
    // Not the same button of a row: a key that was meant for the one that is gone would act there.
    const first = neighbour?.matches("a[href], button") ? neighbour : neighbour?.querySelector("a[href], button");
    /** @type {HTMLElement | null | undefined} */ (first)?.focus({ preventScroll: true });
  }
  // Moving an element takes its focus away.
  if (focused instanceof HTMLElement && focused !== document.activeElement && parent.contains(focused)) {
    focused.focus({ preventScroll: true });
  }
}

/** Return whether a key press is meant for a field, in which letters are text. */
export function isTyping(event) {
  const target = event.target;
  if (!(target instanceof HTMLElement)) return false;
  // A slider or a box takes no letters, only the keys that move it.
  if (target instanceof HTMLInputElement && /^(range|checkbox|radio)$/.test(target.type))
    return /^(Arrow|Home|End|Page| )/.test(event.key ?? "");
  return target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
}

let counter = 0;

/** Return an id that no other element of the page has. */
export function uid(prefix = "e") {
  counter += 1;
  return `${prefix}-${counter}`;
}
