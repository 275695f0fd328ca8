/**
 * The brush that paints a mask. Strokes are kept as lines in the image's own pixels, so that zoom and undo cost nothing.
 * @module
 */
import { h, show } from "../core/dom.js";
import { t } from "../i18n/index.js";
import { confirm, openDialog } from "../widgets/dialog.js";
import { button, errorText } from "../widgets/parts.js";
import { bitmap, maskFile } from "./mask-file.js";
import { upload } from "./upload.js";
import { drawStrokes, maskBlob } from "./strokes.js";

/** True from the moment that an editor is asked for: there is one at a time. */
let open = false;
const SIZES = { least: 4, most: 400, first: 60 };

/**
 * Open the editor.
 *
 * @param {string} url of the image.
 * @param {string | null} [before] the mask that is changed.
 * @returns {Promise<string | null | undefined>} the new mask's address; null to remove it, undefined if nothing is to change.
 */
export async function paintMask(url, before = null) {
  if (open) return undefined;
  open = true;
  const place = location.hash;
  try {
    const picture = await bitmap(url);
    const base = before ? await bitmap(before).catch(() => null) : null;
    // The page that asked for it was left while they loaded.
    if (location.hash !== place) return undefined;
    return await new Promise((resolve) => editor(picture, base, resolve));
  } finally {
    open = false;
  }
}

function editor(picture, base, resolve) {
  const { width, height } = picture;
  const below = h("canvas", { width, height, "aria-hidden": "true" });
  const paint = h("canvas.mask-paint", { width, height, role: "img", "aria-label": t("mask.canvas"), tabindex: 0 });
  const cursor = h("div.mask-cursor", { hidden: true });
  const stage = h(
    "div.mask-stage",
    { vars: { "--ratio": `${width} / ${height}`, "--wide": String(width / height) } },
    below,
    paint,
    cursor,
  );
  below.getContext("2d").drawImage(picture, 0, 0);
  picture.close();

  /** @type {import("./strokes.js").Stroke[]} */
  let strokes = [];
  /** @type {import("./strokes.js").Stroke[]} */
  let undone = [];
  let tool = "brush";
  let size = SIZES.first * Math.max(1, width / 1000);
  let answer;

  const draw = () => {
    drawStrokes(paint.getContext("2d"), strokes, base);
    undo.disabled = !strokes.length;
    redo.disabled = !undone.length;
  };
  const tools = ["brush", "eraser"].map((name) =>
    button({
      label: t(`mask.${name}`),
      icon: name,
      small: true,
      keys: name === "brush" ? "B" : "E",
      attrs: { "data-tool": name },
      onClick: () => choose(name),
    }),
  );
  const slider = h("input", {
    type: "range",
    min: SIZES.least,
    max: SIZES.most,
    value: size,
    "aria-label": t("mask.size"),
    on: { input: () => resize(slider.valueAsNumber) },
  });
  let zoom = 1;
  const enlarge = (by) => {
    zoom = Math.max(1, Math.min(8, zoom * by));
    stage.style.setProperty("--zoom", String(zoom));
  };
  const undo = button({ label: t("action.undo"), icon: "undo", small: true, compact: true, keys: "Ctrl Z", onClick: back });
  const redo = button({ label: t("mask.redo"), icon: "redo", small: true, compact: true, keys: "Ctrl Y", onClick: forth });

  function choose(name) {
    tool = name;
    for (const one of tools) one.setAttribute("aria-pressed", String(one.dataset.tool === name));
  }
  function resize(value) {
    size = Math.max(SIZES.least, Math.min(SIZES.most, value));
    slider.value = String(size);
  }
  function add(stroke) {
    strokes = [...strokes, stroke];
    undone = [];
    draw();
  }
  function back() {
    const last = strokes.at(-1);
    if (!last) return;
    strokes = strokes.slice(0, -1);
    undone = [...undone, last];
    draw();
  }
  function forth() {
    const last = undone.at(-1);
    if (!last) return;
    undone = undone.slice(0, -1);
    strokes = [...strokes, last];
    draw();
  }

  const point = (event) => {
    const box = paint.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * width, ((event.clientY - box.top) / box.height) * height];
  };
  const scale = () => paint.getBoundingClientRect().width / width;
  let stroke = null;
  paint.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    paint.setPointerCapture(event.pointerId);
    stroke = { tool, size, points: [point(event)] };
    add(stroke);
  });
  paint.addEventListener("pointermove", (event) => {
    moveCursor(event);
    if (!stroke) return;
    for (const one of event.getCoalescedEvents?.() ?? [event]) stroke.points.push(point(one));
    draw();
  });
  for (const kind of ["pointerup", "pointercancel"])
    paint.addEventListener(kind, () => {
      stroke = null;
    });
  paint.addEventListener("pointerleave", () => show(cursor, false));
  stage.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      if (event.ctrlKey || event.metaKey) enlarge(event.deltaY < 0 ? 1.2 : 1 / 1.2);
      else resize(size * (event.deltaY < 0 ? 1.1 : 1 / 1.1));
      moveCursor(event);
    },
    { passive: false },
  );

  function moveCursor(event) {
    show(cursor, event.pointerType !== "touch");
    const box = stage.getBoundingClientRect();
    const across = size * scale();
    cursor.style.width = cursor.style.height = `${across}px`;
    cursor.style.transform = `translate(${event.clientX - box.left - across / 2}px, ${event.clientY - box.top - across / 2}px)`;
  }

  const problem = h("p.error", { role: "alert", hidden: true });
  const file = maskFile(problem, (mask) => add({ tool: "file", size: 0, points: [], mask }));
  const apply = button({ label: t("mask.use"), kind: "primary", onClick: finish });
  async function finish() {
    apply.disabled = true;
    try {
      const blob = await maskBlob(width, height, strokes, base);
      answer = blob ? (await upload(new File([blob], "mask.png", { type: "image/png" }))).url : null;
      dialog.close();
    } catch (error) {
      show(problem, true);
      problem.textContent = errorText(error);
      apply.disabled = false;
    }
  }
  let asking = false;
  /** Close the editor, after a question if something was painted. */
  async function leave() {
    if (asking) return;
    asking = true;
    const agreed =
      !strokes.length ||
      (await confirm({
        title: t("mask.leaveTitle"),
        text: t("mask.leaveText"),
        action: t("mask.leave"),
        danger: true,
        careful: true,
      }));
    asking = false;
    if (agreed) dialog.close();
  }
  const dialog = openDialog({
    title: t("mask.title"),
    width: 1100,
    className: "mask-dialog",
    leave: () => void leave(),
    body: [
      h(
        "div.mask-tools",
        tools,
        h("label.range-line", h("span", t("mask.size")), slider),
        undo,
        redo,
        button({
          label: t("mask.invert"),
          icon: "invert",
          small: true,
          keys: "N",
          onClick: () => add({ tool: "invert", size: 0, points: [] }),
        }),
        button({
          label: t("mask.clear"),
          icon: "trash",
          small: true,
          onClick: () => add({ tool: "clear", size: 0, points: [] }),
        }),
        button({ label: t("mask.load"), icon: "image", small: true, onClick: () => file.field.click() }),
        file.field,
        button({ label: t("mask.closer"), icon: "zoom", small: true, compact: true, keys: "+", onClick: () => enlarge(1.5) }),
        button({ label: t("viewer.fit"), small: true, keys: "0", onClick: () => enlarge(0) }),
      ),
      h("div.mask-scroll", stage),
      problem,
    ],
    footer: [
      h("span.muted.small", t("mask.hint")),
      h("span.fill"),
      button({ label: t("action.cancel"), onClick: () => dialog.close() }),
      apply,
    ],
    onClose: () => {
      file.end();
      base?.close();
      resolve(answer);
    },
  });
  file.listen(dialog.element);
  dialog.element.addEventListener("keydown", (event) => {
    const command = event.ctrlKey || event.metaKey;
    const action = command
      ? { z: event.shiftKey ? forth : back, y: forth }[event.key.toLowerCase()]
      : {
          b: () => choose("brush"),
          e: () => choose("eraser"),
          n: () => add({ tool: "invert", size: 0, points: [] }),
          "+": () => enlarge(1.5),
          "-": () => enlarge(1 / 1.5),
          0: () => enlarge(0),
          "[": () => resize(size / 1.15),
          "]": () => resize(size * 1.15),
        }[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });
  choose("brush");
  draw();
  paint.focus();
}
