/**
 * The rail of months next to the wall: their height is their number of tasks, a click or a drag goes there.
 * @module
 */
import { day, month } from "../core/format.js";
import { fill, h, setText, show } from "../core/dom.js";
import { number, t } from "../i18n/index.js";

/**
 * Build the rail.
 *
 * @param {(index: number) => void} onJump
 */
export function buildRail(onJump) {
  const labels = h("div.rail-labels");
  const tip = h("div.rail-tip", { hidden: true });
  const here = h("div.rail-here");
  const element = h(
    "div.rail",
    { hidden: true, role: "slider", tabindex: 0, "aria-orientation": "vertical", "aria-label": t("gallery.rail") },
    labels,
    here,
    tip,
  );
  /** @type {{day: string, tasks: number, start: number}[]} */
  let days = [];
  let total = 0;
  let current = 0;

  function dayAt(index) {
    return days.findLast((one) => one.start <= index) ?? days[0];
  }
  function indexAt(event) {
    const box = element.getBoundingClientRect();
    return Math.max(0, Math.min(total - 1, Math.floor(((event.clientY - box.top) / box.height) * total)));
  }
  function showTip(event) {
    const at = dayAt(indexAt(event));
    if (!at) return;
    show(tip, true);
    setText(tip, `${day(new Date(`${at.day}T12:00`).getTime())} · ${number(at.tasks)}`);
    tip.style.transform = `translateY(${event.clientY - element.getBoundingClientRect().top - 14}px)`;
  }
  let dragging = false;
  element.addEventListener("pointerdown", (event) => {
    element.setPointerCapture(event.pointerId);
    dragging = true;
    onJump(indexAt(event));
  });
  element.addEventListener("pointermove", (event) => {
    showTip(event);
    if (dragging) onJump(indexAt(event));
  });
  for (const kind of ["pointerup", "pointercancel"])
    element.addEventListener(kind, () => {
      dragging = false;
    });
  element.addEventListener("pointerleave", () => show(tip, false));
  element.addEventListener("keydown", (event) => {
    const at = days.indexOf(dayAt(current));
    const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: days.length - 1 }[event.key];
    if (next === undefined || !days[next]) return;
    event.preventDefault();
    onJump(days[next].start);
  });

  return {
    element,
    /** Show the days of an answer of `/tasks/days`. */
    set(answer) {
      days = [];
      total = 0;
      for (const one of answer?.days ?? []) {
        days.push({ ...one, start: total });
        total += one.tasks;
      }
      show(element, days.length > 1);
      const marks = [];
      let last = "";
      let lastShare = -1;
      for (const one of days) {
        const name = one.day.slice(0, 7);
        const share = one.start / (total || 1);
        // Labels that would lie upon another are left out.
        if (name === last || share - lastShare < 0.035) continue;
        last = name;
        lastShare = share;
        marks.push(h("span", { vars: { top: `${share * 100}%` } }, month(new Date(`${name}-15`).getTime())));
      }
      fill(labels, marks);
    },
    /** Mark the place that is seen. */
    at(index) {
      current = index;
      here.style.top = `${(index / (total || 1)) * 100}%`;
      const at = dayAt(index);
      if (!at) return;
      element.setAttribute("aria-valuemax", String(total));
      element.setAttribute("aria-valuenow", String(index));
      element.setAttribute("aria-valuetext", day(new Date(`${at.day}T12:00`).getTime()));
    },
  };
}
