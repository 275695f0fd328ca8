/**
 * The wall: a scrolled list of rows of tiles, of which only those near the window exist.
 * @module
 */
import { h } from "../core/dom.js";
import { t } from "../i18n/index.js";
import { makeTile } from "./tile.js";

/** Browsers cap the height of an element, some at 11 million pixels. */
const TALLEST = 8_000_000;
const REST_MS = 60;
const FAST = 1.2;
const AROUND = 2;
const GAP = 8;
/** Width of a phone's window, and of a tile that lets three stand side by side in it. */
const PHONE = 760;
const PHONE_TILE = 104;

/**
 * Build the wall.
 *
 * @param {{source: import("./source.js").Source, tile: number, onOpen: (index: number) => void, onSelect: (index: number, range: boolean) => void,
 *   isSelected: (id: string) => boolean, onTop?: (isTop: boolean) => void}} options
 */
export function buildWall({ source, tile, onOpen, onSelect, isSelected, onTop }) {
  const element = h("div.wall", { role: "grid", "aria-label": t("nav.gallery"), "aria-multiselectable": "true" });
  /** @type {Map<number, {element: HTMLElement, tiles: ReturnType<typeof makeTile>[]}>} */
  const rows = new Map();
  /** @type {{element: HTMLElement, tiles: ReturnType<typeof makeTile>[]}[]} */
  const spare = [];
  let width = 0;
  let columns = 1;
  let side = tile;
  let focused = 0;
  let lastTop = -1;
  let resting = true;
  let timer = 0;
  let frame = 0;
  let measuring = 0;

  const rowHeight = () => side + GAP;
  const rowCount = () => Math.ceil(source.size / columns);
  const fullHeight = () => Math.max(0, rowCount() * rowHeight() - GAP);
  const height = () => Math.min(fullHeight(), TALLEST);
  const above = () => element.getBoundingClientRect().top + scrollY;
  /** Scrolled pixels of the wall in its full height, which is more than the browser scrolls for very many tasks. */
  function position() {
    const scrolled = Math.max(0, scrollY - above() + headerHeight());
    const [full, cut] = [fullHeight() - innerHeight, height() - innerHeight];
    return {
      scrolled,
      top: full > cut && cut > 0 ? Math.min(scrolled * (full / cut), Math.max(full, 0) + innerHeight) : scrolled,
    };
  }
  const headerHeight = () => document.querySelector(".header")?.clientHeight ?? 0;

  function measure() {
    width = element.clientWidth;
    const wanted = innerWidth < PHONE ? Math.min(tile, PHONE_TILE) : tile;
    columns = Math.max(1, Math.floor((width + GAP) / (wanted + GAP)));
    side = Math.floor((width - GAP * (columns - 1)) / columns);
    element.style.setProperty("--side", `${side}px`);
    element.setAttribute("aria-colcount", String(columns));
    const had = hasFocus();
    for (const row of [...rows.values(), ...spare]) row.element.remove();
    rows.clear();
    spare.length = 0;
    draw();
    // A scroll bar that comes with the tiles changes the width: those that are new keep the focus.
    if (had) tileAt(focused)?.focus();
  }
  const hasFocus = () => element.contains(document.activeElement);

  function makeRow() {
    const tiles = Array.from({ length: columns }, (_, column) =>
      makeTile(column, {
        open: (at) => onOpen(at),
        select: (at, range) => {
          focused = at;
          onSelect(at, range);
        },
      }),
    );
    return {
      element: h(
        "div.wall-row",
        { role: "row" },
        tiles.map((one) => one.element),
      ),
      tiles,
    };
  }

  function draw() {
    frame = 0;
    if (!width || !element.isConnected) return;
    element.style.height = `${height()}px`;
    element.setAttribute("aria-rowcount", String(rowCount()));
    const { scrolled, top } = position();
    const first = Math.max(0, Math.floor(top / rowHeight()) - AROUND);
    const last = Math.min(rowCount(), Math.ceil((top + innerHeight) / rowHeight()) + AROUND);
    const keep = document.activeElement?.closest?.(".wall-row");
    for (const [index, row] of rows) {
      // The row with the focus stays, or the focus would be lost to a screen reader.
      if ((index >= first && index < last) || (row.element === keep && index < rowCount())) continue;
      rows.delete(index);
      row.element.remove();
      spare.push(row);
    }
    for (let index = first; index < last; index += 1) {
      let row = rows.get(index);
      if (!row) {
        row = spare.pop() ?? makeRow();
        rows.set(index, row);
        element.append(row.element);
      }
      row.element.setAttribute("aria-rowindex", String(index + 1));
      row.element.style.transform = `translateY(${Math.round(index * rowHeight() - top + scrolled)}px)`;
      row.tiles.forEach((one, column) => {
        const at = index * columns + column;
        const card = at < source.size ? source.at(at) : null;
        one.update(at, card, {
          exists: at < source.size,
          selected: Boolean(card && isSelected(card.task_id)),
          focusable: at === focused,
          pictures: resting,
          side,
        });
      });
    }
    if (resting && source.size) source.want(first * columns, Math.min(source.size, last * columns));
    onTop?.(scrollY < 40);
  }

  function schedule() {
    frame ||= requestAnimationFrame(draw);
  }
  function scrolled() {
    const { top } = position();
    // Pictures that only flash by are not asked for.
    if (lastTop >= 0 && Math.abs(top - lastTop) > innerHeight * FAST) resting = false;
    lastTop = top;
    clearTimeout(timer);
    timer = window.setTimeout(() => {
      resting = true;
      schedule();
    }, REST_MS);
    schedule();
  }

  /** Scroll so that an index is seen. */
  function reveal(index, place = "nearest") {
    const y = Math.floor(index / columns) * rowHeight();
    const [full, cut] = [fullHeight() - innerHeight, height() - innerHeight];
    const share = full > cut && cut > 0 ? cut / full : 1;
    const { top } = position();
    const shown = innerHeight - headerHeight() - 60;
    if (place === "nearest" && y >= top && y + side <= top + shown) return;
    const target = place === "nearest" && y + side > top + shown && y < top + shown * 2 ? y + side - shown : y - GAP;
    scrollTo({ top: Math.max(0, target * share + above() - headerHeight()) });
    resting = true;
    draw();
  }
  function focus(index) {
    focused = Math.max(0, Math.min(source.size - 1, index));
    reveal(focused);
    draw();
    tileAt(focused)?.focus();
  }
  /** Focus the tile that had the focus last, or the first one that is seen if that one is out of view. */
  function enter() {
    const { top } = position();
    const y = Math.floor(focused / columns) * rowHeight();
    focus(y + side > top && y < top + innerHeight - headerHeight() ? focused : firstIndex());
  }
  /** The first index that is seen. */
  const firstIndex = () => Math.floor(position().top / rowHeight()) * columns;
  function tileAt(index) {
    return rows.get(Math.floor(index / columns))?.tiles[index % columns] ?? null;
  }

  function keys(event) {
    const page = Math.max(1, Math.floor((innerHeight - 120) / rowHeight())) * columns;
    const to = {
      ArrowLeft: focused - 1,
      ArrowRight: focused + 1,
      ArrowUp: focused - columns,
      ArrowDown: focused + columns,
      PageUp: focused - page,
      PageDown: focused + page,
      Home: 0,
      End: source.size - 1,
    }[event.key];
    if (to !== undefined && !event.altKey) {
      event.preventDefault();
      if (to < 0 && event.key === "ArrowUp") return;
      focus(to);
      if (event.shiftKey) onSelect(focused, true);
    } else if (event.key === " ") {
      event.preventDefault();
      onSelect(focused, event.shiftKey);
    } else if (event.key === "Enter") {
      event.preventDefault();
      onOpen(focused);
    }
  }
  element.addEventListener("keydown", keys);
  element.addEventListener("focusin", (event) => {
    const at = Number(/** @type {HTMLElement} */ (event.target).closest("[data-index]")?.getAttribute("data-index"));
    if (Number.isInteger(at) && at !== focused) {
      focused = at;
      schedule();
    }
  });
  const resized = new ResizeObserver(() => {
    cancelAnimationFrame(measuring);
    // A size that changes while sizes are reported would be an error of the page.
    measuring = requestAnimationFrame(() => element.clientWidth !== width && measure());
  });
  resized.observe(element);
  addEventListener("scroll", scrolled, { passive: true });
  addEventListener("resize", schedule);
  let stop = source.watch(schedule);

  return {
    element,
    reveal,
    focus,
    enter,
    draw: schedule,
    /** Show another search in the same tiles: those that stay are not built again. The focus follows its task. */
    setSource(next) {
      const id = source.at(focused)?.task_id;
      stop();
      source = next;
      stop = source.watch(schedule);
      const at = id ? source.indexOf(id) : -1;
      if (at >= 0 && at !== focused && hasFocus()) focus(at);
      else schedule();
    },
    focusedIndex: () => focused,
    firstIndex,
    setFocused(index) {
      focused = index;
      schedule();
    },
    end() {
      resized.disconnect();
      removeEventListener("scroll", scrolled);
      removeEventListener("resize", schedule);
      cancelAnimationFrame(frame);
      cancelAnimationFrame(measuring);
      clearTimeout(timer);
      stop();
    },
  };
}
