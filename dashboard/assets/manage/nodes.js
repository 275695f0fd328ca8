/**
 * The processes that share the queue: their state, their cards and models, and what each generates.
 * @module
 */
import { cleanups, throttled } from "../core/store.js";
import { ago, duration } from "../core/format.js";
import { fill, h, icon, keyed, setText, show } from "../core/dom.js";
import { t } from "../i18n/index.js";
import { get } from "../core/api.js";
import { on } from "../live/live.js";
import { tasks } from "../live/tasks.js";
import { empty, failure, skeleton, stateLabel } from "../widgets/parts.js";
import { runningTiles } from "../overview/running-tile.js";

const READ_MS = 3000;

/** Fill the page. */
export function mount(root) {
  const ends = cleanups();
  const count = h("span.muted.num");
  const list = h("div.node-list");
  const place = h("div", skeleton(4, 40));
  root.append(h("div.page-head", h("h1", t("nav.nodes")), count), place);
  /** @type {Map<string, any>} */
  const cards = new Map();
  let shown = "";

  async function load() {
    if (document.hidden || ends.isOver()) return;
    try {
      const { nodes, cluster } = await get("/v1/nodes");
      if (ends.isOver()) return;
      draw(nodes, cluster);
    } catch (error) {
      shown = "";
      fill(place, failure(error, load));
    }
  }

  function draw(nodes, cluster) {
    const serving = nodes.filter((node) => node.role === "node" && ["idle", "busy"].includes(node.state)).length;
    setText(count, cluster ? t("nodes.serving", { n: serving }) : "");
    if (!shown) fill(place, !cluster && h("div.notice", icon("nodes"), t("nodes.alone")), list);
    shown = "list";
    keyed(
      list,
      nodes,
      (node) => node.name,
      (node) => {
        const card = nodeCard(node.name);
        cards.set(node.name, card);
        return card;
      },
      (element, node) => element.update(node),
    );
    const names = new Set(nodes.map((node) => node.name));
    for (const [name, card] of cards) {
      if (names.has(name)) continue;
      card.end();
      cards.delete(name);
    }
    if (nodes.length) return;
    shown = "";
    fill(place, h("section.panel", empty("nodes", t("nodes.none"))));
  }

  const soon = throttled(() => void load(), 500);
  const timer = setInterval(soon, READ_MS);
  const visible = () => void load();
  document.addEventListener("visibilitychange", visible);
  ends.add(
    ...["started", "finished", "failed", "stopped", "reload"].map((kind) => on(kind, soon)),
    tasks.watch(() => {
      for (const card of cards.values()) card.progress();
    }, false),
    () => clearInterval(timer),
    () => document.removeEventListener("visibilitychange", visible),
    () => {
      for (const card of cards.values()) card.end();
    },
  );
  void load();
  return ends.end;
}

/** Build the card of a node. */
function nodeCard(name) {
  const state = h("span");
  const facts = h("dl.node-facts");
  const tiles = runningTiles();
  const marks = h("span.node-marks");
  const address = h("a.small");
  let known = /** @type {any} */ (null);
  const element = h(
    "section.panel.node",
    h("header", state, h("h2", name), marks, h("div.fill"), address),
    h("div.body", tiles.element, facts),
  );

  /** The cards of its tasks as the events have brought them; before that as the list of nodes has them. */
  function running() {
    const cards = tasks.get().running;
    return known.running.map((one) => {
      const card = cards.find((other) => other.task_id === one.task_id);
      return card ? { ...card, progress: Math.max(card.progress ?? 0, one.progress), node: null } : { ...one, prompt: "" };
    });
  }
  function progress() {
    if (known) tiles.update(running());
  }
  return Object.assign(element, {
    progress,
    update(node) {
      known = node;
      fill(state, stateLabel(node.state));
      element.classList.toggle("away", ["lost", "stopped"].includes(node.state));
      fill(
        marks,
        node.role === "gateway" && h("span.chip", t("nodes.gateway")),
        node.caretaker && h("span.chip", { title: t("nodes.caretakerText") }, t("nodes.caretaker")),
        node.this && h("span.chip", t("nodes.this")),
      );
      show(address, Boolean(node.url));
      setText(address, (node.url ?? "").replace(/^https?:\/\//, ""));
      if (/^https?:\/\//.test(node.url ?? "")) address.href = node.url;
      const rows = [
        ["nodes.card", node.card ?? "–"],
        ["nodes.loaded", node.loaded.join(", ") || "–"],
        ["nodes.version", node.version],
        ["nodes.started", ago(node.started_mills)],
        ["nodes.heartbeat", t("nodes.before", { t: duration(Math.round(node.heartbeat_seconds)) })],
      ].filter(([key]) => node.role === "node" || !["nodes.card", "nodes.loaded"].includes(key));
      keyed(
        facts,
        rows,
        ([key]) => key,
        ([key]) => h(key === "nodes.loaded" ? "div.wide" : "div", h("dt", t(key)), h("dd")),
        (row, [, text]) => setText(row.lastChild, text),
      );
      progress();
    },
    end: tiles.end,
  });
}
