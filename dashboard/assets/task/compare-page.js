/**
 * Two pictures compared: by a slider, side by side or in turn, with the differences of their parameters.
 * @module
 */
import { cleanups } from "../core/store.js";
import { fill, h } from "../core/dom.js";
import { go, hash } from "../core/router.js";
import { shortened } from "../core/format.js";
import { t } from "../i18n/index.js";
import { get } from "../core/api.js";
import { image } from "../core/paths.js";
import { pageKeys } from "../shell/keys.js";
import { button, failure, segments, skeleton } from "../widgets/parts.js";
import { differences } from "./differences.js";

const MODES = ["slider", "side", "flip"];
let mode = MODES[0];

/** Fill the page. */
export function mount(root, route) {
  const ends = cleanups();
  const [one, other] = route.rest.map((part) => part.split(":"));
  const stage = h("div.compare-stage");
  const table = h("section.panel.compare-table", skeleton(5));
  const modes = h("div");
  root.append(
    h(
      "div.page-head",
      button({ label: t("keys.back"), icon: "left", kind: "quiet", compact: true, onClick: () => history.back() }),
      h("h1", t("compare.title")),
      h("div.fill"),
      modes,
      button({ label: t("compare.swap"), icon: "swap", keys: "C", onClick: swap }),
    ),
    stage,
    table,
  );

  function swap() {
    go(hash(["compare", ...[...route.rest].reverse()]), { replace: true });
  }
  function drawModes() {
    fill(
      modes,
      segments(
        t("compare.mode"),
        MODES.map((value) => ({ value, label: t(`compare.${value}`) })),
        mode,
        (value) => {
          mode = value;
          draw();
        },
      ),
    );
  }
  /** @type {any[]} */
  let records = [];
  const pictureOf = (record, at) => record.images[Number(at) || 0];

  async function load() {
    try {
      records = await Promise.all([one, other].map(([id]) => get(`/tasks/${encodeURIComponent(id)}`)));
    } catch (error) {
      fill(table, failure(error, load));
      return;
    }
    draw();
    fill(table, differences(records[0], pictureOf(records[0], one[1]), records[1], pictureOf(records[1], other[1])));
  }

  function draw() {
    const shown = [pictureOf(records[0], one[1]), pictureOf(records[1], other[1])];
    if (shown.some((picture) => !picture)) return;
    const pictures = shown.map((picture, at) =>
      h("img", {
        src: image(picture.url),
        alt: `${"AB"[at]}: ${shortened(records[at].req_params.prompt)}`,
        draggable: "false",
      }),
    );
    const [a, b] = pictures;
    const ratio = `${shown[0].width || 1} / ${shown[0].height || 1}`;
    const wide = String((shown[0].width || 1) / (shown[0].height || 1));
    stage.className = `compare-stage ${mode}`;
    if (mode === "side") {
      fill(
        stage,
        pictures.map((picture, at) =>
          h("figure.compare", { vars: { "--ratio": ratio, "--wide": wide } }, picture, h("figcaption", "AB"[at])),
        ),
      );
      return;
    }
    const box = h(
      "div.compare",
      { vars: { "--ratio": ratio, "--wide": wide, "--cut": "50%" } },
      a,
      b,
      h("span.compare-mark.a", "A"),
      h("span.compare-mark.b", "B"),
    );
    if (mode === "flip") {
      const flip = h("button.compare-flip", {
        type: "button",
        "aria-label": t("compare.flipNow"),
        "aria-pressed": "false",
        on: { click: () => flip.setAttribute("aria-pressed", String(box.classList.toggle("flipped"))) },
      });
      box.append(flip);
    } else {
      const slider = h("input", {
        type: "range",
        min: 0,
        max: 100,
        step: 0.5,
        value: 50,
        "aria-label": t("compare.slider"),
        on: { input: () => box.style.setProperty("--cut", `${slider.value}%`) },
      });
      box.append(h("i.compare-line"), slider);
    }
    fill(stage, box);
  }
  ends.add(
    pageKeys({
      c: swap,
      m: () => {
        mode = MODES[(MODES.indexOf(mode) + 1) % MODES.length];
        drawModes();
        draw();
      },
      Escape: () => history.back(),
    }),
  );
  drawModes();
  if (one && other) void load();
  else fill(table, h("p.muted", t("compare.two")));
  return ends.end;
}
