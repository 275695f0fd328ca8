/**
 * JSON with whole numbers of any length. A seed may have 19 digits, of which a number of JavaScript holds 15: another picture.
 * @module
 */

const SAFE_DIGITS = 15;
const LONG = /\d{16}/;
// A text, or a number. Texts are matched to be skipped: digits in a prompt stay.
const TOKENS = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/**
 * Parse JSON; whole numbers with more digits than a number holds become texts, which the API accepts as seeds.
 *
 * @param {string} text
 * @returns {any}
 */
export function parseJson(text) {
  if (!LONG.test(text)) return JSON.parse(text);
  return JSON.parse(
    text.replace(TOKENS, (token) => (/^-?\d+$/.test(token) && token.length > SAFE_DIGITS ? `"${token}"` : token)),
  );
}

/** Return a random seed as text, from 0 to 2^63 - 1. */
export function randomSeed() {
  const words = crypto.getRandomValues(new BigUint64Array(1));
  return (words[0] >> 1n).toString();
}

/** Return the text of a seed that is valid in a request, or null. */
export function validSeed(text) {
  const digits = String(text).trim();
  if (!/^\d{1,19}$/.test(digits)) return null;
  return BigInt(digits) <= 9223372036854775807n ? BigInt(digits).toString() : null;
}
