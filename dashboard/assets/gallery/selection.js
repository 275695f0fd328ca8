/**
 * The selected tasks, and the bar with what can be done with them: its buttons say for how many.
 * @module
 */
import { h, setText, show } from "../core/dom.js";
import { t } from "../i18n/index.js";
import { can } from "../core/session.js";
import { button } from "../widgets/parts.js";
import { note } from "../widgets/notes.js";
import { downloadTasks, repeatTasks, tagTasks } from "./actions.js";
import { go, hash } from "../core/router.js";

const MOST = 2000;

/**
 * Build the selection.
 *
 * @param {{source: () => import("./source.js").Source, onChange: () => void, onLeave: () => void, remove: () => void}} options `onLeave`
 *   is called before another page opens.
 */
export function buildSelection({ source, onChange, onLeave, remove }) {
  /** @type {Set<string>} */
  const chosen = new Set();
  let anchor = 0;
  let always = false;
  const words = h("b.num");
  const ids = () => [...chosen];
  const erase = button({ label: "", icon: "trash", kind: "danger", onClick: remove });
  const compare = button({
    label: t("task.compare"),
    icon: "compare",
    onClick: () => {
      onLeave();
      go(
        hash([
          "compare",
          ...ids()
            .slice(0, 2)
            .map((id) => `${id}:0`),
        ]),
      );
    },
  });
  const bar = h(
    "div.selection-bar",
    { role: "toolbar", "aria-label": t("gallery.selection"), hidden: true },
    words,
    button({ label: t("action.download"), icon: "download", onClick: () => downloadTasks(ids()) }),
    compare,
    can("control") && button({ label: t("action.tag"), icon: "tag", onClick: () => void tagTasks(ids()) }),
    can("generate") && button({ label: t("action.again"), icon: "again", onClick: () => void repeatTasks(ids()) }),
    can("control") && erase,
    button({ label: t("gallery.deselect"), icon: "close", kind: "quiet", compact: true, keys: "Esc", onClick: clear }),
  );
  const toggle = button({
    label: t("gallery.select"),
    icon: "check",
    onClick: () => {
      always = !always;
      if (!always) clear();
      changed();
    },
  });

  function changed() {
    show(bar, chosen.size > 0);
    setText(words, t("gallery.selected", { n: chosen.size }));
    erase.lastChild.textContent = t("delete.action", { n: chosen.size });
    show(compare, chosen.size === 2);
    document.body.classList.toggle("selecting", always || chosen.size > 0);
    toggle.setAttribute("aria-pressed", String(always));
    onChange();
  }
  function clear() {
    chosen.clear();
    always = false;
    changed();
  }
  erase.append("");
  return {
    bar,
    toggle,
    clear,
    ids,
    size: () => chosen.size,
    has: (id) => chosen.has(id),
    /** Select or deselect a tile, or all from the last one to it. */
    async select(index, range) {
      if (range) {
        const [from, to] = [Math.min(anchor, index), Math.max(anchor, index)];
        for (const card of await source().range(from, Math.min(to, from + MOST - 1))) chosen.add(card.task_id);
      } else {
        const card = source().at(index);
        if (!card) return;
        if (!chosen.delete(card.task_id)) chosen.add(card.task_id);
        anchor = index;
      }
      changed();
    },
    /** Select all that were found. */
    async all() {
      const { size } = source();
      if (size > MOST) note(t("gallery.most", { n: MOST }));
      for (const card of await source().range(0, Math.min(size, MOST) - 1)) chosen.add(card.task_id);
      changed();
    },
  };
}
