/**
 * Words of the page in the reader's language.
 * @module
 */
import frame from "./frame.js";
import history from "./history.js";
import manage from "./manage.js";
import work from "./work.js";
import { prefs } from "../core/prefs.js";

/** @typedef {"en" | "zh"} Language */

/** @type {Record<string, [any, any]>} each with its English and its Chinese. */
const WORDS = { ...frame, ...work, ...history, ...manage };
const LOCALES = { en: "en", zh: "zh-CN" };

/** @type {Language} */
let language = chosen();
/** @type {Map<string, any>} */
const formats = new Map();
/** @type {Set<() => void>} */
const listeners = new Set();

document.documentElement.lang = LOCALES[language];

prefs.watch(() => {
  const wanted = chosen();
  if (wanted === language) return;
  language = wanted;
  formats.clear();
  document.documentElement.lang = LOCALES[language];
  for (const listener of listeners) listener();
}, false);

/** Return the language that was chosen, else the browser's first that the page has. */
function chosen() {
  const stored = prefs.get().language;
  if (stored === "en" || stored === "zh") return stored;
  const first = (navigator.languages ?? [navigator.language]).find((one) => /^(en|zh)\b/i.test(one));
  return first && /^zh/i.test(first) ? "zh" : "en";
}

/** @returns {Language} */
export const currentLanguage = () => language;

/** Return the locale for dates and numbers. An English reader keeps the form of the own region. */
export function locale() {
  if (language === "zh") return LOCALES.zh;
  return (navigator.languages ?? []).find((one) => /^en\b/i.test(one)) ?? LOCALES.en;
}

/** Call a listener whenever another language was chosen. */
export function onLanguage(listener) {
  listeners.add(listener);
}

/**
 * Return a text in the page's language.
 *
 * @param {string} key
 * @param {Record<string, any>} [values] replace `{name}`; `n` also selects the form of a text with several.
 */
export function t(key, values = {}) {
  if (!(key in WORDS)) return key;
  let text = WORDS[key][language === "zh" ? 1 : 0];
  if (typeof text === "object") {
    const rule = format("plural", () => new Intl.PluralRules(locale())).select(Number(values.n ?? 0));
    text = text[rule] ?? text.other;
  }
  return text.replace(/\{(\w+)\}/g, (whole, name) => {
    const value = values[name];
    if (value === undefined || value === null) return whole;
    return typeof value === "number" ? number(value) : isolated(String(value));
  });
}

/** Return a text that turns no other one around: one that is written from right to left, or pretends to be, is set apart. */
function isolated(text) {
  return /[\u0590-\u08ff\u200e\u200f\u202a-\u202e\u2066-\u2069\ufb1d-\ufefc]/.test(text) ? `\u2068${text}\u2069` : text;
}

/** Return whether the page has this text. */
export const has = (key) => key in WORDS;

/** Return a formatter of `Intl`, made once for each language. */
export function format(name, make) {
  if (!formats.has(name)) formats.set(name, make());
  return formats.get(name);
}

/** Return a number as the reader writes it. */
export function number(value, digits = 0) {
  return format(`number${digits}`, () => new Intl.NumberFormat(locale(), { maximumFractionDigits: digits })).format(value);
}
