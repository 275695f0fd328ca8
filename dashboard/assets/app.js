/**
 * The start of the page: session, frame, live events, routes.
 * @module
 */
import { button, empty, errorText, skeleton } from "./widgets/parts.js";
import { fill, h } from "./core/dom.js";
import { onLanguage, t } from "./i18n/index.js";
import { can, loadSession, retrySession, session } from "./core/session.js";
import { loadTasks, followTasks } from "./live/tasks.js";
import { connection, on, sessionChanged, start } from "./live/live.js";
import { onRoute, route } from "./core/router.js";
import { buildShell } from "./shell/shell.js";
import { keepFocus } from "./shell/focus.js";
import { listenForKeys } from "./shell/keys.js";
import { loadPage } from "./shell/load-page.js";
import { note } from "./widgets/notes.js";
import { signInForm } from "./shell/sign-in.js";

/**
 * A page's module. Each is loaded when it is first opened.
 *
 * @typedef {object} Page
 * @property {(root: HTMLElement, route: import("./core/router.js").Route) => void | (() => void)} mount fills the page's part; the
 *   returned function ends it.
 * @property {(route: import("./core/router.js").Route) => boolean} [reroute] takes another route of the same page without a new
 *   mount; false asks for one.
 */

/** @type {Record<string, {load: () => Promise<Page>, title: string, scope: string}>} */
const PAGES = {
  "": { load: () => import("./overview/page.js"), title: "nav.overview", scope: "read" },
  queue: { load: () => import("./overview/queue-page.js"), title: "queue.title", scope: "read" },
  generate: { load: () => import("./generate/page.js"), title: "nav.generate", scope: "generate" },
  gallery: { load: () => import("./gallery/page.js"), title: "nav.gallery", scope: "read" },
  task: { load: () => import("./task/page.js"), title: "task.title", scope: "read" },
  compare: { load: () => import("./task/compare-page.js"), title: "compare.title", scope: "read" },
  batches: { load: () => import("./manage/batches.js"), title: "nav.batches", scope: "read" },
  nodes: { load: () => import("./manage/nodes.js"), title: "nav.nodes", scope: "read" },
  models: { load: () => import("./manage/models.js"), title: "nav.models", scope: "generate" },
  keys: { load: () => import("./manage/keys.js"), title: "nav.keys", scope: "admin" },
  stats: { load: () => import("./manage/stats.js"), title: "nav.stats", scope: "read-all" },
};

/** @type {{name: string, page: Page | null, end: (() => void) | null}} */
let open = { name: "?", page: null, end: null };
let shell = buildShell(PAGES);
let turn = 0;
/** True while a page is missing because nothing answered. */
let missing = false;
const SOON_MS = 150;

/** Show the page of a route. */
async function showRoute(wanted) {
  const name = Object.hasOwn(PAGES, wanted.name) ? wanted.name : "";
  if (name === open.name && open.page?.reroute?.(wanted)) return;
  turn += 1;
  const mine = turn;
  const { load, title, scope } = PAGES[name];
  shell.current(name);
  document.title = `${t(title)} · Fooocus`;
  const { state } = session.get();
  if (state === "signed_out") return;
  if (state === "unreachable") {
    leave();
    const retry = button({ label: t("action.retry"), onClick: () => loadSession() });
    fill(shell.main, h("section.panel.unreachable", empty("warn", t("error.offline"), t("error.opensLater"), retry)));
    return;
  }
  if (!can(scope)) {
    leave();
    fill(shell.main, h("section.panel", empty("lock", t("error.scope", { scope }))));
    return;
  }
  const was = open.name;
  // A page that comes at once takes the place of the former one without a gap.
  const slow = setTimeout(() => {
    if (mine !== turn) return;
    leave();
    shell.main.setAttribute("aria-busy", "true");
    fill(shell.main, skeleton(6, 24));
  }, SOON_MS);
  const loaded = await loadPage(load);
  clearTimeout(slow);
  if (mine !== turn) return;
  shell.main.removeAttribute("aria-busy");
  if (!("page" in loaded)) {
    showMissing(loaded.reason);
    return;
  }
  missing = false;
  const { page } = loaded;
  const isOther = name !== was;
  leave();
  open = { name, page, end: null };
  shell.main.replaceChildren();
  shell.main.className = `page-${name || "overview"}`;
  const end = page.mount(shell.main, wanted);
  open.end = end ?? null;
  if (isOther && name !== "gallery") scrollTo(0, 0);
  // A screen reader continues at the new page; a field that took the focus keeps it.
  if (was !== "?" && isOther && (document.activeElement === document.body || document.activeElement?.closest("nav"))) {
    shell.main.focus({ preventScroll: true });
  }
}

/**
 * Say why a page is not there.
 *
 * @param {import("./shell/load-page.js").Reason} reason
 */
function showMissing(reason) {
  const answers = reason === "answers";
  // It was offline, and is no more. Without that it is the reader who reloads: a module that never comes would do so for ever.
  if (answers && missing) {
    location.reload();
    return;
  }
  leave();
  missing = reason === "offline" || (answers && connection.get().state === "waiting");
  if (reason === "updated") {
    // The modules of this page are gone: a reload brings the new ones.
    const reload = button({ label: t("action.reload"), kind: "primary", onClick: () => location.reload() });
    fill(shell.main, empty("warn", t("error.updated"), "", reload));
    return;
  }
  const retry = button({ label: t("action.retry"), onClick: () => (answers ? location.reload() : showRoute(route())) });
  const text = missing ? t("error.opensLater") : "";
  fill(shell.main, h("section.panel.unreachable", empty("warn", t("error.offline"), text, retry)));
}

function leave() {
  open.end?.();
  open = { name: "?", page: null, end: null };
}

/** Show the form in place of the page, which comes back with the change of the session. */
function showSignIn() {
  leave();
  turn += 1;
  fill(
    shell.main,
    signInForm(async () => {
      sessionChanged();
      await loadTasks();
    }),
  );
}

async function remount() {
  const place = scrollY;
  const tool = [...document.querySelectorAll(".tools button")].indexOf(/** @type {Element} */ (document.activeElement));
  leave();
  shell.end();
  shell = buildShell(PAGES);
  document.body.prepend(shell.element);
  // The language was chosen in a menu: its button is another one now.
  /** @type {HTMLElement | undefined} */ ([...document.querySelectorAll(".tools button")][tool])?.focus({ preventScroll: true });
  await showRoute(route());
  if (session.get().state === "signed_out") showSignIn();
  scrollTo(0, place);
}

async function boot() {
  document.body.prepend(shell.element);
  listenForKeys();
  keepFocus();
  const { state } = await loadSession();
  followTasks();
  start();
  onRoute((wanted) => void showRoute(wanted));
  onLanguage(() => void remount());
  on("session", () => void loadSession());
  connection.watch((now) => {
    if (now.state === "signed_out") void loadSession();
    else if (now.state === "live") {
      retrySession();
      if (missing) void showRoute(route());
    }
  }, false);
  let was = state;
  session.watch((now) => {
    if (now.state === was) return;
    if (was === "unreachable" && now.state !== "signed_out") {
      sessionChanged();
      void loadTasks();
    }
    was = now.state;
    if (now.state === "signed_out") showSignIn();
    else void showRoute(route());
  }, false);
  if (state === "signed_out") showSignIn();
  else void loadTasks();
  // A file that is dropped next to its place would take the page's.
  for (const kind of ["dragover", "drop"])
    window.addEventListener(kind, (event) => {
      const { defaultPrevented, dataTransfer } = /** @type {DragEvent} */ (event);
      if (defaultPrevented || !dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      dataTransfer.dropEffect = "none";
    });
  window.addEventListener("unhandledrejection", (event) => note(errorText(event.reason), { bad: true }));
  // The session is prolonged by asking for it.
  setInterval(() => void loadSession(), 86_400_000);
}

void boot();
