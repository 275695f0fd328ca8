/**
 * The SharedWorker that holds the event stream for all tabs: a browser allows six connections to a server, and each tab with a
 * stream of its own would take one.
 * @module
 */
import { Hub } from "./hub.js";

/** Browsers let a hidden tab speak once a minute. */
const QUIET_MS = 150_000;

const url = new URL(self.location.href).searchParams.get("events");
const hub = new Hub(url);

self.addEventListener("connect", (event) => {
  const port = /** @type {MessageEvent} */ (event).ports[0];
  const tab = { post: (message) => port.postMessage(message), visible: true };
  let heard = Date.now();
  // A tab that crashed says no farewell: one that is silent for long is dropped, and joins again with its next word.
  const look = () => {
    if (Date.now() - heard > QUIET_MS) hub.leave(tab);
  };
  let watch = setInterval(look, QUIET_MS / 3);
  port.onmessage = ({ data }) => {
    heard = Date.now();
    clearInterval(watch);
    if (data.type !== "bye") {
      watch = setInterval(look, QUIET_MS / 3);
      if (!hub.tabs.has(tab)) hub.join(tab);
    }
    hub.hear(tab, data);
  };
  hub.join(tab);
  port.start();
});
