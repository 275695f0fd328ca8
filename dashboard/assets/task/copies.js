/**
 * A task's request as a command or a program.
 * @module
 */
import { absolute } from "../core/paths.js";
import { session } from "../core/session.js";
import { OF_A_SUBMISSION } from "../generate/schema.js";

/** The fields of a submission but the priority, which a copy keeps. */
const OWN = [...OF_A_SUBMISSION.filter((name) => name !== "priority"), "repeat_of"];

/** Return the request of a picture, without what belongs to its first submission. */
function requestOf(record, index) {
  const one = record.images[index];
  const all = { ...(one?.repeat ?? record.req_params) };
  if (one?.seed_text && !one.repeat) all.image_seed = one.seed_text;
  return Object.fromEntries(Object.entries(all).filter(([name, value]) => !OWN.includes(name) && value !== null));
}

/** Return the request as JSON. */
export const asJson = (record, index) => JSON.stringify(requestOf(record, index), null, 2);

/** Return a command for a shell. */
export function asCurl(record, index) {
  const body = JSON.stringify(requestOf(record, index)).replaceAll("'", "'\\''");
  const key = session.get().needs === null && session.get().name ? " \\\n  -H 'X-API-KEY: YOUR_KEY'" : "";
  return `curl '${absolute("/v1/engine/generate/")}' \\\n  -H 'Content-Type: application/json'${key} \\\n  -d '${body}'\n`;
}

/** Return a program in Python. */
export function asPython(record, index) {
  const key = session.get().name ? ', headers={"X-API-KEY": "YOUR_KEY"}' : "";
  return (
    `import requests\n\nrequest = ${python(requestOf(record, index), 0)}\n` +
    `task = requests.post(${JSON.stringify(absolute("/v1/engine/generate/"))}, json=request${key}).json()\nprint(task["result"])\n`
  );
}

/** Write a value as Python does. */
function python(value, depth) {
  if (value === null) return "None";
  if (value === true) return "True";
  if (value === false) return "False";
  if (typeof value !== "object") return JSON.stringify(value);
  const pad = "    ".repeat(depth + 1);
  if (Array.isArray(value)) return value.length ? `[${value.map((one) => python(one, depth)).join(", ")}]` : "[]";
  const entries = Object.entries(value);
  if (!entries.length) return "{}";
  if (depth) return `{${entries.map(([name, one]) => `${JSON.stringify(name)}: ${python(one, depth)}`).join(", ")}}`;
  return `{\n${entries.map(([name, one]) => `${pad}${JSON.stringify(name)}: ${python(one, depth + 1)},`).join("\n")}\n}`;
}
