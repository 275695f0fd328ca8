/**
 * The machine in five figures. The Statistics page has them as plots.
 * @module
 */
import { bytes, number } from "../core/format.js";
import { h, icon } from "../core/dom.js";
import { t } from "../i18n/index.js";
import { get } from "../core/api.js";
import { on } from "../live/live.js";
import { sparkline } from "../widgets/chart.js";

const HOUR = 60;

/** Build the panel; it stays hidden on a server without statistics. */
export function todayPanel(ends) {
  const body = h("div.body.today");
  const element = h(
    "section.panel",
    { hidden: true },
    h(
      "header",
      h("h2", t("stats.title")),
      h("div.fill"),
      h("a.button.quiet.small", { href: "#/stats" }, t("stats.more"), icon("right")),
    ),
    body,
  );

  async function load() {
    let stats;
    try {
      stats = await get("/v1/stats", { hours: 3 });
    } catch {
      return;
    }
    element.hidden = !stats.at?.length;
    const last = (name) => [...(stats[name] ?? [])].reverse().find((value) => value !== null && value !== undefined) ?? null;
    const images = (stats.images ?? []).slice(-HOUR).reduce((sum, value) => sum + (value ?? 0), 0);
    const step = last("step_seconds");
    const [used, total] = [last("gpu_memory_used"), last("gpu_memory_total")];
    body.replaceChildren(
      figure(t("stats.queue"), number(last("queue_length") ?? 0), sparkline(stats.queue_length)),
      figure(t("stats.imagesHour"), number(images), sparkline(stats.images)),
      figure(t("stats.step"), step === null ? "–" : t("unit.seconds", { n: number(step, 2) }), sparkline(stats.step_seconds)),
      figure(t("stats.gpu"), used === null ? "–" : `${bytes(used)} / ${bytes(total)}`, sparkline(stats.gpu_memory_used)),
      figure(t("stats.disk"), bytes(last("disk_free"))),
    );
  }
  ends.add(on("stats", load));
  void load();
  return element;
}

function figure(label, value, plot = null) {
  return h("div.figure", h("span.muted.small", label), h("b.num", value), plot);
}
