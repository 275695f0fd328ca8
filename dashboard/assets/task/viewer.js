/**
 * The big view of a picture: zoom by wheel, buttons and two fingers, pan by dragging, the next one by a swipe.
 * @module
 */
import { h, icon, setText, show } from "../core/dom.js";
import { number, t } from "../i18n/index.js";
import { button } from "../widgets/parts.js";

const MOST = 8;
const SWIPE = 60;

/**
 * Build the viewer.
 *
 * @param {{onNext: () => void, onPrevious: () => void}} actions
 */
export function buildViewer({ onNext, onPrevious }) {
  const picture = h("img", { alt: "", decoding: "async", draggable: false });
  const gone = h("div.viewer-gone", { hidden: true }, icon("broken"), h("span", t("gallery.gone")));
  const level = h("span.num");
  const tools = h(
    "div.viewer-tools",
    { role: "toolbar", "aria-label": t("viewer.zoom") },
    button({ label: t("viewer.fit"), small: true, onClick: () => set(0) }),
    button({ label: "100 %", small: true, onClick: () => set(1) }),
    button({ label: "200 %", small: true, onClick: () => set(2) }),
    level,
  );
  const frame = h("div.viewer-frame", picture, gone);
  const element = h("div.viewer", frame, tools);
  let size = { width: 1, height: 1 };
  /** Pixels of the screen for each of the picture; 0 fits it in. */
  let zoom = 0;
  let offset = { x: 0, y: 0 };
  /** @type {Map<number, {x: number, y: number}>} */
  const fingers = new Map();
  let start = { x: 0, y: 0, at: { x: 0, y: 0 }, spread: 0, zoom: 1 };

  const fit = () => Math.min(frame.clientWidth / size.width, frame.clientHeight / size.height, 1) || 1;
  const scale = () => zoom || fit();

  function place() {
    const now = scale();
    const room = {
      x: Math.max(0, (size.width * now - frame.clientWidth) / 2),
      y: Math.max(0, (size.height * now - frame.clientHeight) / 2),
    };
    offset = { x: Math.max(-room.x, Math.min(room.x, offset.x)), y: Math.max(-room.y, Math.min(room.y, offset.y)) };
    picture.style.width = `${size.width * now}px`;
    picture.style.height = `${size.height * now}px`;
    picture.style.transform = `translate(-50%, -50%) translate(${offset.x}px, ${offset.y}px)`;
    frame.classList.toggle("zoomed", now > fit() + 0.001);
    setText(level, `${number(now * 100)} %`);
  }
  /** Zoom, so that what lies below a point of the screen stays there. */
  function set(value, point = null) {
    const before = scale();
    zoom = value && Math.max(Math.min(value, MOST), fit());
    if (zoom && Math.abs(zoom - fit()) < 0.001) zoom = 0;
    const box = frame.getBoundingClientRect();
    const from = point ? { x: point.x - box.left - box.width / 2, y: point.y - box.top - box.height / 2 } : { x: 0, y: 0 };
    const ratio = scale() / before;
    offset = { x: from.x - (from.x - offset.x) * ratio, y: from.y - (from.y - offset.y) * ratio };
    place();
  }

  frame.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      set(scale() * Math.exp(-event.deltaY * 0.0015), { x: event.clientX, y: event.clientY });
    },
    { passive: false },
  );
  frame.addEventListener("dblclick", (event) => set(zoom ? 0 : 1, { x: event.clientX, y: event.clientY }));
  frame.addEventListener("pointerdown", (event) => {
    frame.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    begin();
  });
  frame.addEventListener("pointermove", (event) => {
    if (!fingers.has(event.pointerId)) return;
    fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    const { x, y, spread } = middle();
    if (fingers.size > 1) set(start.zoom * (spread / (start.spread || 1)), { x, y });
    else if (zoom) {
      offset = { x: start.at.x + x - start.x, y: start.at.y + y - start.y };
      place();
    }
  });
  for (const kind of ["pointerup", "pointercancel"]) {
    frame.addEventListener(kind, (event) => {
      const { x, y } = middle();
      const alone = fingers.size === 1;
      fingers.delete(event.pointerId);
      if (
        alone &&
        kind === "pointerup" &&
        !zoom &&
        event.pointerType !== "mouse" &&
        Math.abs(x - start.x) > SWIPE &&
        Math.abs(y - start.y) < SWIPE
      ) {
        (x < start.x ? onNext : onPrevious)();
      }
      begin();
    });
  }
  function begin() {
    start = { ...middle(), at: offset, zoom: scale() };
  }
  function middle() {
    const all = [...fingers.values()];
    if (!all.length) return { x: 0, y: 0, spread: 0, at: offset, zoom: scale() };
    const [one, other = one] = all;
    return {
      x: (one.x + other.x) / 2,
      y: (one.y + other.y) / 2,
      spread: Math.hypot(one.x - other.x, one.y - other.y),
      at: offset,
      zoom: scale(),
    };
  }

  picture.addEventListener("error", () => {
    show(picture, false);
    show(gone, true);
  });
  picture.addEventListener("load", () => {
    if (size.width <= 1) size = { width: picture.naturalWidth, height: picture.naturalHeight };
    place();
  });
  const resized = new ResizeObserver(() => requestAnimationFrame(place));
  resized.observe(frame);
  let turn = 0;

  return {
    element,
    /**
     * Show a picture. Its thumbnail stands for it until it has been loaded.
     *
     * @param {string} url
     * @param {{alt: string, width: number | null, height: number | null, small: string, kept: boolean}} about
     */
    show(url, { alt, width, height, small }) {
      if (picture.dataset.url === url) return;
      turn += 1;
      const mine = turn;
      picture.dataset.url = url;
      picture.alt = alt;
      show(picture, true);
      show(gone, false);
      size = { width: width || 1, height: height || 1 };
      zoom = 0;
      offset = { x: 0, y: 0 };
      const full = new Image();
      full.src = url;
      if (!full.complete) picture.src = small;
      full.decode().then(
        () => {
          if (mine === turn) picture.src = url;
        },
        () => {
          if (mine === turn) picture.src = url;
        },
      );
      place();
    },
    toggle: () => set(zoom ? 0 : 1),
    end: () => resized.disconnect(),
  };
}
