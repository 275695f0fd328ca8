/**
 * The queue as a page of its own, for phones.
 * @module
 */
import { cleanups } from "../core/store.js";
import { queuePanel } from "./queue.js";

/** Fill the page. */
export function mount(root) {
  const ends = cleanups();
  root.append(queuePanel(ends));
  return ends.end;
}
