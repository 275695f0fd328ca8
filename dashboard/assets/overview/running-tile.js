/**
 * A running task in small, for the pages that show several at once.
 * @module
 */
import { h, setText, show } from "../core/dom.js";
import { left, number, shortened } from "../core/format.js";
import { hash } from "../core/router.js";
import { t } from "../i18n/index.js";
import { progressBar } from "../widgets/parts.js";
import { previewCanvas } from "../widgets/preview.js";

/**
 * Build the tile of a task: preview, prompt, place and progress. `update` takes its card, `end` is called when it is removed.
 *
 * @param {string} id
 */
export function runningTile(id) {
  const preview = previewCanvas(() => id, t("running.preview"));
  const waiting = h("div.preview-wait");
  const prompt = h("a.prompt", { href: hash(["task", id]) });
  const facts = h("span.muted.small.num");
  const bar = progressBar(t("running.progress"));
  const element = h(
    "article.running-tile",
    h("a.preview", { href: hash(["task", id]), tabindex: "-1", "aria-hidden": "true" }, preview.element, waiting),
    h("div.running-tile-words", prompt, facts, bar.element),
  );
  return Object.assign(element, {
    /** @param {Record<string, any>} card */
    update(card) {
      const share = card.progress ?? 0;
      setText(prompt, shortened(card.prompt ?? "", 80) || t("task.noPrompt"));
      const eta = card.eta_seconds ? t("queue.eta", { t: left(card.eta_seconds) }) : "";
      setText(facts, [card.node && t("task.onNode", { node: card.node }), `${number(share)} %`, eta].filter(Boolean).join(" · "));
      setText(waiting, t(`phase.${card.phase ?? "loading"}`));
      show(waiting, !card.phase || preview.element.dataset.drawn !== id);
      bar.set(share);
    },
    end: preview.end,
  });
}

/**
 * Build a list of tiles, one for each of the cards that its `update` takes.
 *
 * @returns {{element: HTMLElement, update: (cards: Record<string, any>[]) => void, end: () => void}}
 */
export function runningTiles() {
  const element = h("div.running-tiles");
  /** @type {Map<string, any>} */
  const tiles = new Map();
  function update(cards) {
    const wanted = new Set(cards.map((card) => card.task_id));
    for (const [id, tile] of tiles) {
      if (wanted.has(id)) continue;
      tile.end();
      tile.remove();
      tiles.delete(id);
    }
    for (const card of cards) {
      let tile = tiles.get(card.task_id);
      if (!tile) {
        tile = runningTile(card.task_id);
        tiles.set(card.task_id, tile);
        element.append(tile);
      }
      tile.update(card);
    }
    show(element, cards.length > 0);
  }
  return { element, update, end: () => update([]) };
}
