/**
 * The selected tasks, and the bar with what can be done with them: its buttons say for how many.
 * @module
 */
import { h, setText, show } from "../core/dom.js";
import { t } from "../i18n/index.js";
import { can } from "../core/session.js";
import { button } from "../widgets/parts.js";
import { announce, note, noteError } from "../widgets/notes.js";
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
  let over = false;
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
    button({ label: t("action.download"), icon: "download", onClick: () => downloadTasks(ids()).catch(noteError) }),
    compare,
    can("control") && button({ label: t("action.tag"), icon: "tag", onClick: () => tagTasks(ids()) }),
    can("generate") && button({ label: t("action.again"), icon: "again", onClick: () => repeatTasks(ids()) }),
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
    const text = t("gallery.selected", { n: chosen.size });
    if (always || chosen.size) announce(text);
    setText(words, text);
    erase.lastChild.textContent = t("delete.action", { n: chosen.size });
    show(compare, chosen.size === 2);
    document.body.classList.toggle("selecting", !over && (always || chosen.size > 0));
    toggle.setAttribute("aria-pressed", String(always));
    onChange();
  }
  function clear() {
    chosen.clear();
    always = false;
    changed();
  }
  /** Select a range, unless another search has taken its place while it was read. */
  async function choose(from, to) {
    const asked = source();
    const found = await asked.range(from, to);
    if (asked.filters !== source().filters) return;
    take(found);
    const missing = Math.min(to, asked.size - 1) - from + 1 - found.length;
    if (missing > 0) note(t("gallery.missing", { n: missing }), { bad: true });
  }
  /** Select tasks, as many as the server takes at once. */
  function take(cards) {
    for (const { task_id: id } of cards) {
      if (chosen.size < MOST || chosen.has(id)) chosen.add(id);
      else {
        note(t("gallery.most", { n: MOST }));
        return;
      }
    }
  }
  erase.append("");
  return {
    bar,
    toggle,
    clear,
    ids,
    size: () => chosen.size,
    end() {
      over = true;
      document.body.classList.remove("selecting");
    },
    has: (id) => chosen.has(id),
    /** Select or deselect a tile, or all from the last one to it. */
    async select(index, range) {
      if (range) {
        const [from, to] = [Math.min(anchor, index), Math.max(anchor, index)];
        await choose(from, Math.min(to, from + MOST));
      } else {
        const card = source().at(index);
        if (!card) return;
        if (!chosen.delete(card.task_id)) take([card]);
        anchor = index;
      }
      changed();
    },
    /** Select all that were found. */
    async all() {
      await choose(0, Math.min(source().size, MOST + 1) - 1);
      changed();
    },
  };
}
