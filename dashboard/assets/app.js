/**
 * The start of the page: session, frame, live events, routes.
 * @module
 */
import { button, empty, errorText } from "./widgets/parts.js";
import { fill, h } from "./core/dom.js";
import { onLanguage, t } from "./i18n/index.js";
import { can, loadSession, retrySession, session } from "./core/session.js";
import { loadTasks, followTasks } from "./live/tasks.js";
import { connection, on, sessionChanged, start } from "./live/live.js";
import { onRoute, route } from "./core/router.js";
import { buildShell } from "./shell/shell.js";
import { listenForKeys } from "./shell/keys.js";
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
  models: { load: () => import("./manage/models.js"), title: "nav.models", scope: "generate" },
  keys: { load: () => import("./manage/keys.js"), title: "nav.keys", scope: "admin" },
  stats: { load: () => import("./manage/stats.js"), title: "nav.stats", scope: "read-all" },
};

/** @type {{name: string, page: Page | null, end: (() => void) | null}} */
let open = { name: "?", page: null, end: null };
let shell = buildShell(PAGES);
let turn = 0;

/** Show the page of a route. */
async function showRoute(wanted) {
  const name = wanted.name in PAGES ? wanted.name : "";
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
    const retry = button({ label: t("action.retry"), onClick: () => void loadSession() });
    fill(shell.main, h("section.panel.unreachable", empty("warn", t("error.offline"), t("error.opensLater"), retry)));
    return;
  }
  if (!can(scope)) {
    leave();
    fill(shell.main, h("section.panel", empty("lock", t("error.scope", { scope }))));
    return;
  }
  let page;
  try {
    page = await load();
  } catch {
    // After an update of the server the modules of this page are gone: a reload brings the new ones.
    if (mine === turn)
      fill(
        shell.main,
        h(
          "div.empty",
          h("strong", t("error.updated")),
          h("button.button.primary", { type: "button", on: { click: () => location.reload() } }, t("action.reload")),
        ),
      );
    return;
  }
  if (mine !== turn) return;
  const was = open.name;
  const isOther = name !== was;
  leave();
  open = { name, page, end: null };
  shell.main.replaceChildren();
  shell.main.className = `page-${name || "overview"}`;
  const end = page.mount(shell.main, wanted);
  open.end = end ?? null;
  if (isOther && name !== "gallery") scrollTo(0, 0);
  // A screen reader goes on at the new page; a field that took the focus keeps it.
  if (was !== "?" && isOther && (document.activeElement === document.body || document.activeElement?.closest("nav"))) {
    shell.main.focus({ preventScroll: true });
  }
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
  leave();
  shell.end();
  shell = buildShell(PAGES);
  document.body.prepend(shell.element);
  await showRoute(route());
  if (session.get().state === "signed_out") showSignIn();
  scrollTo(0, place);
}

async function boot() {
  document.body.prepend(shell.element);
  listenForKeys();
  const { state } = await loadSession();
  followTasks();
  start();
  onRoute((wanted) => void showRoute(wanted));
  onLanguage(() => void remount());
  on("session", () => void loadSession());
  connection.watch((now) => {
    if (now.state === "signed_out") void loadSession();
    else if (now.state === "live") retrySession();
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
  window.addEventListener("unhandledrejection", (event) => note(errorText(event.reason), { bad: true }));
  // The session is prolonged by asking for it.
  setInterval(() => void loadSession(), 86_400_000);
}

void boot();
