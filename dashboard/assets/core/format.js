/**
 * Times, durations and sizes in the reader's language.
 * @module
 */
import { format, locale, number, t } from "../i18n/index.js";

export { number };

/**
 * Return a duration in its two largest units: `1 h 5 min`, `2 min 10 s`, `6 s`.
 *
 * @param {number | null | undefined} seconds
 */
export function duration(seconds) {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds) || seconds < 0) return "–";
  if (seconds < 10 && seconds % 1) return t("unit.seconds", { n: number(seconds, 1) });
  const whole = Math.round(seconds);
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60];
  const parts = [];
  if (h) parts.push(t("unit.hours", { n: h }));
  if (m) parts.push(t("unit.minutes", { n: m }));
  if (!h && (s || !m)) parts.push(t("unit.seconds", { n: s }));
  return parts.join(" ");
}

/** Return a time that is still to come in round figures, so that it does not flicker: `about 2 min`. */
export function left(seconds) {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return "";
  if (seconds < 60) return t("unit.seconds", { n: Math.max(1, Math.ceil(seconds)) });
  if (seconds < 3600) return t("unit.minutes", { n: Math.ceil(seconds / 60) });
  return duration(Math.ceil(seconds / 60) * 60);
}

/** Return a time of day, with seconds. */
export function clock(ms) {
  if (!known(ms)) return "–";
  const make = () =>
    new Intl.DateTimeFormat(locale(), { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
  return format("clock", make).format(ms);
}

/** Return a date and a time of day. */
export function dateTime(ms) {
  if (!known(ms)) return "–";
  const make = () => new Intl.DateTimeFormat(locale(), { dateStyle: "medium", timeStyle: "medium", hourCycle: "h23" });
  return format("dateTime", make).format(ms);
}

/** Return a date. */
export function day(ms) {
  return format("day", () => new Intl.DateTimeFormat(locale(), { dateStyle: "medium" })).format(ms);
}

/** Return a month and its year. */
export function month(ms) {
  return format("month", () => new Intl.DateTimeFormat(locale(), { year: "numeric", month: "short" })).format(ms);
}

/** Return how long ago a time was, in words. */
export function ago(ms) {
  if (!known(ms)) return "–";
  const seconds = Math.round((ms - Date.now()) / 1000);
  const rtf = format("ago", () => new Intl.RelativeTimeFormat(locale(), { numeric: "auto", style: "short" }));
  const [unit, size] = /** @type {[Intl.RelativeTimeFormatUnit, number]} */ (
    Math.abs(seconds) < 60
      ? ["second", 1]
      : Math.abs(seconds) < 3600
        ? ["minute", 60]
        : Math.abs(seconds) < 86400
          ? ["hour", 3600]
          : ["day", 86400]
  );
  return rtf.format(Math.trunc(seconds / size), unit);
}

/** Return a size in bytes in the unit that gives up to four digits. */
export function bytes(value) {
  if (value === null || value === undefined) return "–";
  const units = ["B", "KB", "MB", "GB", "TB"];
  let size = value;
  let unit = 0;
  while (size >= 1000 && unit < units.length - 1) {
    size /= 1024;
    unit += 1;
  }
  return `${number(size, unit && size < 100 ? 1 : 0)} ${units[unit]}`;
}

/** Return a size of an image: `1152 × 896`. */
export const pixels = (width, height) => (width && height ? `${width} × ${height}` : "–");

/** Return the beginning of a text. */
export function shortened(text, length = 120) {
  const whole = String(text ?? "");
  // Half of a sign, as of an emoji, is none.
  return whole.length > length ? `${whole.slice(0, length - 1).replace(/[\ud800-\udbff]$/, "")}…` : whole;
}

const known = (ms) => typeof ms === "number" && ms >= 0;
