/**
 * A reader of server-sent events over `fetch`. Unlike EventSource it sees the status of an answer and the server's comments, and can
 * be given the id of the last event.
 * @module
 */

/**
 * @typedef {object} Message
 * @property {string} kind
 * @property {string} id
 * @property {string} data
 */

/**
 * Read a stream until it ends.
 *
 * @param {Response} response
 * @param {(message: Message) => void} onMessage
 * @param {() => void} onSign is called for everything that arrives, comments included: the connection lives.
 */
export async function readEvents(response, onMessage, onSign) {
  const reader = /** @type {ReadableStream<Uint8Array>} */ (response.body).getReader();
  const decoder = new TextDecoder();
  let buffer = "";
  let message = { kind: "message", id: "", data: "" };
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    onSign();
    buffer += decoder.decode(value, { stream: true });
    let start = 0;
    // A preview is a line of a hundred kilobytes: the buffer is cut once for each piece that arrives, not for each line.
    for (let end = buffer.indexOf("\n", start); end >= 0; end = buffer.indexOf("\n", start)) {
      const line = buffer.slice(start, buffer[end - 1] === "\r" ? end - 1 : end);
      start = end + 1;
      if (line === "") {
        if (message.data) onMessage(message);
        message = { kind: "message", id: message.id, data: "" };
      } else readLine(message, line);
    }
    if (start) buffer = buffer.slice(start);
  }
}

function readLine(message, line) {
  const colon = line.indexOf(":");
  if (colon === 0) return;
  const name = colon < 0 ? line : line.slice(0, colon);
  const value = colon < 0 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
  if (name === "event") message.kind = value;
  else if (name === "id") message.id = value;
  else if (name === "data") message.data += message.data ? `\n${value}` : value;
}
