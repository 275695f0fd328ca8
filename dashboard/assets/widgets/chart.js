/**
 * Plots as SVG paths.
 * @module
 */
import { h, svg } from "../core/dom.js";
import { t } from "../i18n/index.js";

const WIDTH = 640;
const HEIGHT = 160;
const LONE_BAR = 4;

/**
 * Build a small line without axes.
 *
 * @param {(number | null)[] | undefined} values
 */
export function sparkline(values) {
  if (!values?.some((value) => value !== null)) return null;
  return svg(
    "svg",
    { viewBox: "0 0 120 26", preserveAspectRatio: "none", "aria-hidden": "true" },
    svg("path", {
      d: runs(values, evenly(values, 120), 24, range(values), 1).map(line).join(""),
      fill: "none",
      stroke: "currentColor",
      "stroke-width": 1.5,
      "vector-effect": "non-scaling-stroke",
      "stroke-linejoin": "round",
    }),
  );
}

/**
 * Build a plot with its figures as a table below it, which screen readers read in its place.
 *
 * @param {{title: string, at: number[], series: {label: string, values: (number | null)[]}[], show: (value: number) => string,
 *   clock: (ms: number) => string, since?: number, kind?: "line" | "bars"}} options `since` is where the axis begins, at the first
 *   value by default.
 */
export function plot({ title, at, series, show, clock, since = at[0], kind = "line" }) {
  const all = series.flatMap(({ values }) => values);
  const known = all.filter((value) => value !== null && value !== undefined);
  const newest = [...series[0].values].reverse().find((value) => value !== null && value !== undefined);
  const head = h("header.plot-head", h("h2", title), h("b.num", newest === undefined ? "–" : show(newest)));
  if (!known.length) return h("section.panel.plot", head, h("p.muted.plot-none", t("stats.none")));
  const bounds = range(all);
  const from = Math.min(since, at[0]);
  const to = at.at(-1) ?? from;
  const xs = to > from ? at.map((ms) => ((ms - from) / (to - from)) * WIDTH) : evenly(at, WIDTH);
  const drawing = svg(
    "svg",
    { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" },
    [0.25, 0.5, 0.75].map((share) => svg("line", { x1: 0, x2: WIDTH, y1: HEIGHT * share, y2: HEIGHT * share, class: "grid" })),
    series.map(({ values }, index) => {
      if (kind === "bars") return svg("path", { d: bars(values, xs, bounds), class: `bars s${index}` });
      const lines = runs(values, xs, HEIGHT, bounds, 4);
      return svg(
        "g",
        {},
        index === 0 && svg("path", { d: lines.map(area).join(""), class: "area" }),
        svg("path", { d: lines.map(line).join(""), class: `line s${index}` }),
      );
    }),
  );
  return h(
    "section.panel.plot",
    head,
    h("div.plot-body", drawing, h("span.plot-max.num", show(bounds[1])), h("span.plot-min.num", show(bounds[0]))),
    h(
      "div.plot-axis.num",
      [0, 0.25, 0.5, 0.75, 1].map((share) => h("span", clock(from + (to - from) * share))),
    ),
    series.length > 1 &&
      h(
        "div.plot-legend",
        series.map(({ label }, index) => h("span", h("i", { class: `s${index}` }), label)),
      ),
    figures(title, at, series, show, clock),
  );
}

/** Build the table of a plot: at most 24 lines, as one for each minute of a day would be read by no one. */
function figures(title, at, series, show, clock) {
  const every = Math.max(1, Math.ceil(at.length / 24));
  const rows = h("tbody");
  const details = h(
    "details",
    h("summary", { "aria-label": `${t("stats.figures")} – ${title}` }, t("stats.figures")),
    h(
      "div.table",
      h(
        "table",
        h("caption.sr", title),
        h(
          "thead",
          h(
            "tr",
            h("th", { scope: "col" }, t("stats.time")),
            series.map(({ label }) => h("th", { scope: "col" }, label)),
          ),
        ),
        rows,
      ),
    ),
  );
  details.addEventListener("toggle", () => {
    if (rows.childElementCount) return;
    for (let index = at.length - 1; index >= 0; index -= every) {
      rows.append(
        h(
          "tr",
          h("th", { scope: "row" }, clock(at[index])),
          series.map(({ values }) =>
            h("td", values[index] === null || values[index] === undefined ? "–" : show(/** @type {number} */ (values[index]))),
          ),
        ),
      );
    }
  });
  return details;
}

function range(values) {
  const known = values.filter((value) => value !== null && value !== undefined);
  const top = Math.max(...known, 0);
  return [0, top || 1];
}

/** Return places at equal distances. */
function evenly(values, width) {
  return values.map((_, index) => (values.length > 1 ? (index / (values.length - 1)) * width : width / 2));
}

/** Return the points of values without a gap, as one list for each such stretch. */
function runs(values, xs, height, [low, high], pad) {
  /** @type {[number, number][][]} */
  const found = [];
  let open = false;
  values.forEach((value, index) => {
    const isKnown = value !== null && value !== undefined;
    if (isKnown && !open) found.push([]);
    open = isKnown;
    if (isKnown) found.at(-1)?.push([xs[index], height - pad - ((value - low) / (high - low || 1)) * (height - 2 * pad)]);
  });
  return found;
}

function line(points) {
  return `M${points.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join("L")}`;
}

/** Return the outline of what is below a line: it ends where the line ends. */
function area(points) {
  return `${line(points)}L${points.at(-1)[0].toFixed(1)} ${HEIGHT}L${points[0][0].toFixed(1)} ${HEIGHT}Z`;
}

function bars(values, xs, [low, high]) {
  const step = xs.length > 1 ? xs[1] - xs[0] : LONE_BAR;
  return values
    .map((value, index) => {
      if (!value) return "";
      const size = ((value - low) / (high - low || 1)) * (HEIGHT - 8);
      const width = Math.max(step * 0.8, 0.8);
      return `M${Math.max(0, xs[index] - width).toFixed(1)} ${HEIGHT}v${(-size).toFixed(1)}h${width.toFixed(1)}v${size.toFixed(1)}z`;
    })
    .join("");
}
