/**
 * What is searched for in the Gallery: the page's hash as filters, and filters as parameters of the API.
 * @module
 */

const NAMES = ["q", "status", "source", "model", "tag", "from", "to"];
export const ENDS = ["finished", "failed", "stopped", "interrupted"];

/** Return whether a text is a day of the years 1970 to 9999, as `2026-11-30`. */
export function isDay(text) {
  if (!/^\d{4}-\d\d-\d\d$/.test(text) || text < "1970") return false;
  const day = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(text);
}

/** Return whether the server takes this value of a filter. */
function isValid(name, value) {
  if (name === "status") return ENDS.includes(value);
  return name === "from" || name === "to" ? isDay(value) : Boolean(value);
}

/** Return the filters of a hash, without values that no search takes. */
export const filtersOf = (query) => cleaned(Object.fromEntries(query));

/** Return filters in one order, without values that no search takes: the same search has the same filters. */
export function cleaned(filters) {
  return Object.fromEntries(NAMES.map((name) => [name, filters[name] ?? ""]).filter(([name, value]) => isValid(name, value)));
}

/** Return the parameters of the API for filters, of what had ended at a moment. */
export function queryOf({ q, status, source, model, tag, from, to }, opened) {
  const end = to ? dayEnd(to) : Infinity;
  const base = { status, source, model, tag, start_at: from ? dayStart(from) : null };
  // An index finds words by the time of queueing alone.
  if (q) return { ...base, prompt: q, sort: "newest", end_at: Math.min(end, opened) };
  return { ...base, sort: "finished", finished_before: opened + 1, end_at: Number.isFinite(end) ? end : null };
}

/** Return whether the first day is later than the last one: the server refuses to look for that. */
export function findsNothing({ from, to }, opened) {
  return Boolean(from) && dayStart(from) > Math.min(to ? dayEnd(to) : Infinity, opened);
}

// East of Greenwich the first day of 1970 begins before the clock of computers.
const dayStart = (text) => Math.max(0, new Date(`${text}T00:00:00`).getTime());
const dayEnd = (text) => new Date(`${text}T23:59:59.999`).getTime();
