/**
 * Dragging rows of a list by their handle, with mouse, pen and finger: the browser's own drag and drop knows no touch.
 * @module
 */

/**
 * Make the rows of a list draggable.
 *
 * @param {HTMLElement} list its rows have `data-id` and a handle `.grip`.
 * @param {(id: string, index: number) => void} onDrop
 * @returns {() => void} ends it.
 */
export function draggable(list, onDrop) {
  function press(event) {
    const grip = event.target.closest?.(".grip");
    const row = /** @type {HTMLElement | null} */ (grip?.closest("[data-id]"));
    if (!row || event.button) return;
    event.preventDefault();
    const rows = /** @type {HTMLElement[]} */ ([...list.querySelectorAll("[data-id]")]);
    const from = rows.indexOf(row);
    const tops = rows.map((one) => one.offsetTop);
    const height = row.offsetHeight;
    const begin = event.clientY + scrollY;
    let to = from;
    grip.setPointerCapture(event.pointerId);
    row.classList.add("dragged");

    function move(moved) {
      const by = moved.clientY + scrollY - begin;
      row.style.transform = `translateY(${by}px)`;
      const middle = tops[from] + by + height / 2;
      to = rows.reduce((found, one, at) => (middle > tops[at] + (at > from ? one.offsetHeight / 2 : 0) ? at : found), 0);
      rows.forEach((one, at) => {
        if (one === row) return;
        const shift = at > from && at <= to ? -height : at < from && at >= to ? height : 0;
        one.style.transform = shift ? `translateY(${shift}px)` : "";
      });
    }
    function end(ended) {
      grip.removeEventListener("pointermove", move);
      grip.removeEventListener("pointerup", end);
      grip.removeEventListener("pointercancel", end);
      row.classList.remove("dragged");
      for (const one of rows) one.style.transform = "";
      if (ended.type === "pointerup" && to !== from) onDrop(String(row.dataset.id), to);
    }
    grip.addEventListener("pointermove", move);
    grip.addEventListener("pointerup", end);
    grip.addEventListener("pointercancel", end);
  }
  list.addEventListener("pointerdown", press);
  return () => list.removeEventListener("pointerdown", press);
}
