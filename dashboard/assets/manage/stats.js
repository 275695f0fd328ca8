/**
 * Statistics of the last hours as plots.
 * @module
 */
import { cleanups } from "../core/store.js";
import { bytes, number } from "../core/format.js";
import { fill, h } from "../core/dom.js";
import { format, locale, t } from "../i18n/index.js";
import { ApiError, get } from "../core/api.js";
import { on } from "../live/live.js";
import { empty, failure, segments, skeleton } from "../widgets/parts.js";
import { plot } from "../widgets/chart.js";

const HOUR_MS = 3_600_000;
let hours = "24";

/** Fill the page. */
export function mount(root) {
  const ends = cleanups();
  const place = h("div.plots", skeleton(6, 60));
  root.append(
    h(
      "div.page-head",
      h("h1", t("nav.stats")),
      h("div.fill"),
      segments(
        t("stats.range"),
        ["1", "6", "24"].map((value) => ({ value, label: t("unit.hours", { n: Number(value) }) })),
        hours,
        (value) => {
          hours = value;
          void load();
        },
      ),
    ),
    place,
  );
  const clock = (ms) =>
    format("minute", () => new Intl.DateTimeFormat(locale(), { hour: "2-digit", minute: "2-digit", hourCycle: "h23" })).format(
      ms,
    );

  async function load() {
    let stats;
    try {
      stats = await get("/v1/stats", { hours });
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) fill(place, h("section.panel", empty("stats", t("stats.missing"))));
      else fill(place, failure(error, load));
      return;
    }
    const { at } = stats;
    if (!at.length) {
      fill(place, h("section.panel", empty("stats", t("stats.none"))));
      return;
    }
    const since = at.at(-1) - Number(hours) * HOUR_MS;
    const one = (title, name, show, kind = "line") =>
      plot({ title, at, show, clock, since, kind, series: [{ label: title, values: stats[name] }] });
    const open = [...place.querySelectorAll("details[open]")].map(
      (details) => details.closest(".plot")?.querySelector("h2")?.textContent,
    );
    fill(
      place,
      one(t("stats.queue"), "queue_length", (value) => number(Math.round(value))),
      one(t("stats.images"), "images", (value) => number(value, 1), "bars"),
      one(t("stats.step"), "step_seconds", (value) => t("unit.seconds", { n: number(value, 2) })),
      plot({
        title: t("stats.gpu"),
        at,
        show: bytes,
        clock,
        since,
        series: [
          { label: t("stats.used"), values: stats.gpu_memory_used },
          { label: t("stats.total"), values: stats.gpu_memory_total },
        ],
      }),
      one(t("stats.memory"), "memory", bytes),
      one(t("stats.disk"), "disk_free", bytes),
    );
    for (const details of place.querySelectorAll("details"))
      if (open.includes(details.closest(".plot")?.querySelector("h2")?.textContent)) details.open = true;
  }
  ends.add(on("stats", load));
  void load();
  return ends.end;
}
