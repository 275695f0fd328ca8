/**
 * The Gallery: filters, wall, rail, selection.
 * @module
 */
import { cleanups, throttled } from "../core/store.js";
import { h, setText, show } from "../core/dom.js";
import { go, hash, rewrite } from "../core/router.js";
import { number, t } from "../i18n/index.js";
import { on } from "../live/live.js";
import { prefs } from "../core/prefs.js";
import { empty, failure, linkButton, button } from "../widgets/parts.js";
import { pageKeys } from "../shell/keys.js";
import { can, session } from "../core/session.js";
import { deleteTasks, repeatAll } from "./actions.js";
import { buildFilters } from "./filters.js";
import { buildRail } from "./rail.js";
import { buildSelection } from "./selection.js";
import { cleaned, ENDS, filtersOf } from "./search.js";
import { buildWall } from "./wall.js";
import { currentSource, showSource, Source } from "./source.js";

/** The days of a long history are counted seldom. */
const DAYS_MS = 15_000;

/** Failed tasks that one click generates again. */
const MOST_AGAIN = 500;

/** What the page was like when it was left, for the way back. */
let left = { key: "", scroll: 0, index: 0 };
/** @type {((route: any) => boolean) | null} */
let take = null;

/** Take other filters out of the hash. */
export const reroute = (route) => take?.(route) ?? false;

/** Fill the page. */
export function mount(root, route) {
  const ends = cleanups();
  let filters = filtersOf(route.query);
  const key = () => JSON.stringify(filters);
  const known = currentSource();
  const back = left.key === key() && known?.ready && key() === JSON.stringify(known.filters);
  let source = back ? /** @type {Source} */ (known) : new Source(filters);
  const count = h("span.muted.num", { role: "status" });
  const pill = h("button.button.primary.new-pill", {
    type: "button",
    hidden: true,
    on: {
      click: () => {
        scrollTo(0, 0);
        void renew();
      },
    },
  });
  const failed = button({
    label: t("repeat.failed"),
    icon: "again",
    onClick: async () => {
      const cards = await source.range(0, Math.min(source.size, MOST_AGAIN) - 1);
      await repeatAll(cards.map((card) => card.task_id));
    },
    attrs: { hidden: true },
  });
  const place = h("div.wall-place");
  const rail = buildRail((index) => wall?.reveal(index, "start"));
  const size = h("input", {
    type: "range",
    min: 96,
    max: 320,
    step: 8,
    value: prefs.get().tile,
    "aria-label": t("gallery.size"),
    title: t("gallery.size"),
    on: {
      input: () => {
        prefs.set({ tile: size.valueAsNumber });
        again(wall?.firstIndex() ?? 0);
      },
    },
  });
  const line = buildFilters(filters, (next) => {
    filters = cleaned(next);
    rewrite(hash(["gallery"], next));
    renew();
  });
  const selection = buildSelection({
    source: () => source,
    onChange: () => wall?.draw(),
    onLeave: () => remember(wall?.focusedIndex() ?? 0),
    remove: () => removeSelected(),
  });
  line.element.append(pill);
  root.append(
    h(
      "div.page-head.gallery-head",
      h("h1", t("nav.gallery")),
      count,
      h("div.fill"),
      failed,
      h("label.size-slider", h("span.sr", t("gallery.size")), size),
      selection.toggle,
    ),
    line.element,
    h("div.wall-frame", place, rail.element),
    selection.bar,
  );
  /** @type {ReturnType<typeof buildWall> | null} */
  let wall = null;
  let isTop = true;
  let stopSource = () => {};
  /** @type {Source | null} the newest search. */
  let coming = null;

  function again(index = 0) {
    wall?.end();
    wall = buildWall({
      source,
      tile: prefs.get().tile,
      isSelected: selection.has,
      onOpen: open,
      onSelect: (at, range) => void selection.select(at, range),
      onTop: (top) => {
        isTop = top;
        rail.at(wall?.firstIndex() ?? 0);
      },
    });
    stopSource();
    stopSource = source.watch(draw);
    draw();
    if (index) requestAnimationFrame(() => wall?.reveal(index, "start"));
  }

  function draw() {
    const words = source.capped ? t("gallery.capped", { n: number(source.size) }) : t("gallery.count", { n: source.size });
    setText(count, source.ready ? words : "");
    show(failed, filters.status === "failed" && source.ready && source.size > 0 && can("generate"));
    if (source.error && !source.ready) place.replaceChildren(failure(source.error, () => void renew()));
    else if (source.ready && !source.size) place.replaceChildren(nothing());
    else if (wall && wall.element.parentNode !== place) place.replaceChildren(wall.element);
    if (!source.ready && wall) {
      // Grey tiles of the right size stand for what is read.
      source.total = Math.max(source.total, 24);
    }
    wall?.draw();
  }
  function nothing() {
    if (Object.keys(filters).length) {
      return empty("search", t("gallery.noHits"), "", button({ label: t("filter.clear"), onClick: () => go("#/gallery") }));
    }
    return empty(
      "gallery",
      t("latest.empty"),
      t("gallery.begin"),
      linkButton({ label: t("nav.generate"), icon: "generate", kind: "primary", href: "#/generate" }),
    );
  }

  /** Search again, with what has ended since. */
  async function renew(live = false) {
    if (ends.isOver()) return;
    const next = new Source(filters);
    coming?.stop();
    coming = next;
    drawPill();
    await next.load(0).catch(() => {});
    // A newer search, or another page, has taken its place.
    if (coming !== next || ends.isOver()) return;
    if (live && next.error) {
      coming = null; // what is shown is still true
      drawPill();
      return;
    }
    source.stop();
    source = next;
    showSource(source);
    stopSource();
    stopSource = source.watch(draw);
    wall?.setSource(source);
    draw();
    if (live) countDays();
    else setDays();
  }
  function setDays() {
    const counted = source;
    void counted.days().then((days) => counted === source && rail.set(days));
  }
  const countDays = throttled(setDays, DAYS_MS);
  function drawPill() {
    const { missed } = coming ?? source;
    show(pill, missed > 0);
    setText(pill, t("gallery.new", { n: missed }));
  }
  const live = throttled(() => {
    if (isTop && !selection.size()) void renew(true);
    else drawPill();
  }, 1200);

  /** Note the place to which the way back leads. */
  function remember(index) {
    left = { key: key(), scroll: scrollY, index };
  }
  function open(index) {
    const card = source.at(index);
    if (!card) return;
    remember(index);
    go(hash(["task", card.task_id]));
  }
  function removeSelected() {
    const ids = selection.ids();
    const index = wall?.focusedIndex() ?? 0;
    const wanted = ids.length ? ids : [source.at(index)?.task_id].filter(Boolean);
    void deleteTasks(/** @type {string[]} */ (wanted), {
      onHide: () => {
        selection.clear();
        requestAnimationFrame(() => wall?.focus(Math.min(index, source.size - 1)));
      },
    });
  }

  take = (next) => {
    filters = filtersOf(next.query);
    line.set(filters);
    scrollTo(0, 0);
    void renew();
    return true;
  };
  const selectAll = (event) => {
    if (
      (event.ctrlKey || event.metaKey) &&
      event.key === "a" &&
      !/INPUT|TEXTAREA|SELECT/.test(document.activeElement?.tagName ?? "")
    ) {
      event.preventDefault();
      void selection.all();
    }
  };
  document.addEventListener("keydown", selectAll);
  /** Begin at a tile, if nothing in particular has the focus. */
  const enter = () => {
    const now = document.activeElement;
    const isFree = !now || now === document.body || now.matches("main, main :is(h1, h2, h3)");
    if (!isFree || !wall?.element.isConnected || !source.ready) return false;
    wall.enter();
  };
  ends.add(
    pageKeys({ ArrowLeft: enter, ArrowRight: enter, ArrowUp: enter, ArrowDown: enter }),
    pageKeys({ Delete: removeSelected, Escape: () => (selection.size() ? selection.clear() : false) }),
    ...ENDS.map((end) => on(end, live)),
    on("reload", live),
    // Another reader has signed in, in another tab: the list was forgotten.
    session.watch(() => {
      if (ends.isOver() || currentSource() === source) return;
      selection.clear();
      void renew();
    }, false),
    line.end,
    selection.end,
    () => {
      document.removeEventListener("keydown", selectAll);
      stopSource();
      wall?.end();
      take = null;
      left = { ...left, scroll: left.key === key() ? left.scroll : 0 };
    },
  );
  showSource(source);
  if (back) {
    again();
    wall?.setFocused(left.index);
    countDays();
    requestAnimationFrame(() => {
      scrollTo(0, left.scroll);
      // The wall is measured in the frame after the next one, which makes its tiles again.
      requestAnimationFrame(() =>
        requestAnimationFrame(() => {
          wall?.focus(left.index);
          // What has ended since: at the top it is shown, further down the button says how many.
          if (source.isOld) live();
        }),
      );
    });
  } else {
    again();
    scrollTo(0, 0);
    void source.load(0).then(countDays, () => {});
  }
  return ends.end;
}
