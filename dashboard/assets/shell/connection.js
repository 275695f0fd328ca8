/**
 * The connection's line in the header, and a banner while there is none. Not notes that come and go: a state stays where it is.
 * @module
 */
import { connection, on, retryNow } from "../live/live.js";
import { clock, duration } from "../core/format.js";
import { h, setText, show } from "../core/dom.js";
import { t } from "../i18n/index.js";
import { tasks } from "../live/tasks.js";
import { note, say } from "../widgets/notes.js";

const STOPPED_MS = 60_000;

/** Build the line. */
export function connectionLine(ends) {
  const words = h("span");
  const element = h("div.status-line", { id: "connection" }, h("span.dot"), words);
  ends.add(
    connection.watch(({ state }) => {
      element.dataset.state = state;
      setText(words, t(`live.${state}`));
    }),
  );
  return element;
}

/**
 * Build the banner: it counts down to the next try, and says since when the page shows nothing new. A screen reader hears once that
 * the connection is lost, and once that it is back.
 */
export function connectionBanner(ends) {
  const words = h("span.num");
  const retry = h("button", { type: "button", on: { click: retryNow } }, t("live.now"));
  const element = h("div.banner", { hidden: true }, words, retry);
  let timer = 0;
  let spoken = "";
  function speak(text) {
    if (text === spoken) return;
    // Nothing to say about a page that was never without connection.
    if (text || spoken) say(text || t("live.back"));
    spoken = text;
  }
  function draw() {
    const { state, retryAt, since } = connection.get();
    const lasts = Date.now() - since;
    const waits = state === "waiting" && lasts > 1500;
    show(element, waits || state === "no_scope");
    show(retry, state === "waiting");
    element.classList.toggle("bad", lasts > STOPPED_MS);
    if (state === "no_scope") {
      setText(words, t("live.noScope"));
      speak(t("live.noScope"));
    } else if (state === "live") speak("");
    else if (waits) {
      speak(t(lasts > STOPPED_MS ? "live.stopped" : "live.lost"));
      const seconds = Math.max(0, Math.ceil((retryAt - Date.now()) / 1000));
      const text = lasts > STOPPED_MS ? t("live.stopped") : t("live.reconnecting", { t: duration(seconds) });
      setText(words, `${text} · ${t("live.asOf", { t: clock(tasks.get().asOf || since) })}`);
    }
  }
  ends.add(
    connection.watch(({ state }) => {
      clearInterval(timer);
      if (state === "waiting") timer = window.setInterval(draw, 500);
      draw();
    }),
    () => clearInterval(timer),
    on("reload", ({ reason }) => {
      if (reason === "restarted") note(t("live.restarted"));
    }),
    on("started", () => say(t("say.started"))),
    on("finished", () => say(t("say.finished"))),
    on("failed", () => say(t("say.failed"))),
  );
  return element;
}
