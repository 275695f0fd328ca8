/**
 * The frame of the page: header with navigation, the connection's line, the bar at the foot of a phone.
 * @module
 */
import { cleanups } from "../core/store.js";
import { go, hash } from "../core/router.js";
import { h, icon, setText, show } from "../core/dom.js";
import { left } from "../core/format.js";
import { currentLanguage, t } from "../i18n/index.js";
import { can, session, signOut } from "../core/session.js";
import { prefs } from "../core/prefs.js";
import { sessionChanged } from "../live/live.js";
import { tasks } from "../live/tasks.js";
import { address } from "../core/paths.js";
import { button } from "../widgets/parts.js";
import { noteError } from "../widgets/notes.js";
import { withMenu } from "../widgets/menu.js";
import { connectionBanner, connectionLine } from "./connection.js";
import { showShortcuts } from "./keys.js";

/** Pages in the header, each with the icon of its name. */
const NAV = ["", "generate", "gallery", "batches", "nodes", "models", "stats", "keys"];
/** Those at the foot of a phone, where the others are in a menu. */
const PHONE = ["", "queue", "generate", "gallery"];
const MARK = new URL("../favicon.svg", import.meta.url).href;

/**
 * Build the frame.
 *
 * @param {Record<string, {title: string, scope: string}>} pages
 */
export function buildShell(pages) {
  const ends = cleanups();
  const main = h("main", { id: "main", tabindex: "-1" });
  const nav = h("nav.nav", { "aria-label": t("nav.label") });
  const bottom = h("nav.bottom-bar", { "aria-label": t("nav.label") });
  const waiting = h("span");
  const queue = h("a.status-line.wide", { href: "#/queue" }, waiting);
  const search = h("input.input.small", {
    type: "search",
    placeholder: t("gallery.search"),
    "aria-label": t("gallery.search"),
    id: "quick-search",
    on: {
      keydown: (event) => {
        if (event.key === "Enter") go(hash(["gallery"], { q: search.value.trim() }));
      },
    },
  });
  const finder = h("div.wide", search);
  const account = withMenu(button({ label: t("account.menu"), icon: "user", kind: "quiet", compact: true }), accountItems);
  const header = h(
    "header.header",
    h("a.brand", { href: "#/" }, h("img", { src: MARK, alt: "" }), h("span", "Fooocus")),
    nav,
    h("div.fill"),
    queue,
    connectionLine(ends),
    finder,
    h("div.tools", themeButton(), languageButton(), account),
  );
  const banner = connectionBanner(ends);
  const element = h("div", h("a.skip", { href: "#main", on: { click: skip } }, t("nav.skip")), header, banner, main, bottom);

  function skip(event) {
    event.preventDefault();
    main.focus();
  }

  let current = "";
  function drawNav() {
    const isIn = !["unknown", "signed_out"].includes(session.get().state);
    show(queue, isIn);
    show(finder, isIn);
    if (!isIn) search.value = "";
    const allowed = (name) => can(pages[name].scope) && (name !== "nodes" || session.get().cluster);
    nav.replaceChildren(
      ...NAV.filter(allowed).map((name) =>
        h("a", { href: `#/${name}`, "aria-current": name === current && "page" }, icon(name || "overview"), t(pages[name].title)),
      ),
    );
    const badge = h("span.badge", { hidden: true, data: { role: "waiting" } });
    bottom.replaceChildren(
      ...PHONE.filter((name) => allowed(name)).map((name) =>
        h(
          "a",
          { href: `#/${name}`, "aria-current": name === current && "page" },
          icon(name === "queue" ? "clock" : name || "overview"),
          name === "queue" ? t("nav.queue") : t(pages[name].title),
          name === "queue" && badge,
        ),
      ),
      withMenu(h("button", { type: "button" }, icon("more"), t("nav.more")), () =>
        NAV.filter((name) => !PHONE.includes(name) && allowed(name)).map((name) => ({
          label: t(pages[name].title),
          icon: name,
          href: `#/${name}`,
        })),
      ),
    );
    drawCounts();
  }

  function drawCounts() {
    const { total, waiting: list, running } = tasks.get();
    const last = list.at(-1)?.eta_seconds ?? (list.length ? null : running[0]?.eta_seconds) ?? null;
    const words = total ? t("queue.waiting", { n: total }) : running.length ? t("status.running") : t("queue.idle");
    setText(waiting, last && (total || running.length) ? `${words} · ${left(last)}` : words);
    const badge = /** @type {HTMLElement | null} */ (bottom.querySelector(".badge"));
    if (badge) {
      show(badge, total > 0);
      setText(badge, total > 99 ? "99+" : total);
    }
    const mark = running.length ? `${Math.round(running[0].progress ?? 0)} % · ` : total ? `(${total}) ` : "";
    const title = document.title.replace(/^(\d+ % · |\(\d+\) )/, "");
    if (document.title !== mark + title) document.title = mark + title;
  }

  ends.add(session.watch(drawNav), tasks.watch(drawCounts, false));
  return {
    element,
    main,
    /** Mark the page that is shown. */
    current(name) {
      current = name;
      if (name !== "gallery") search.value = "";
      drawNav();
    },
    end() {
      ends.end();
      element.remove();
    },
  };
}

function themeButton() {
  const glyph = { system: "system", light: "sun", dark: "moon" };
  return withMenu(button({ label: t("theme.label"), icon: glyph[prefs.get().theme], kind: "quiet", compact: true }), () => [
    ...["light", "dark", "system"].map((theme) => ({
      label: t(`theme.${theme}`),
      icon: glyph[theme],
      checked: prefs.get().theme === theme,
      onClick: () => prefs.set({ theme }),
    })),
    { line: true },
    {
      label: t("theme.blur"),
      icon: "blur",
      checked: prefs.get().blurred,
      onClick: () => prefs.set({ blurred: !prefs.get().blurred }),
    },
  ]);
}

function languageButton() {
  return withMenu(button({ label: t("language.label"), icon: "language", kind: "quiet", compact: true }), () =>
    [
      ["en", "English"],
      ["zh", "简体中文"],
    ].map(([code, label]) => ({
      label,
      checked: document.documentElement.lang.startsWith(code),
      onClick: () => prefs.set({ language: code }),
      attrs: { lang: code },
    })),
  );
}

function accountItems() {
  const { name, by, webui } = session.get();
  return [
    name && { caption: t("account.key", { name }) },
    { label: t("keys.sheet"), icon: "help", end: "?", onClick: showShortcuts },
    {
      label: t("account.shortcuts"),
      checked: prefs.get().shortcuts,
      onClick: () => prefs.set({ shortcuts: !prefs.get().shortcuts }),
    },
    { line: true },
    webui && { label: t("account.webui"), icon: "external", href: address("/") },
    { label: t("account.guide"), icon: "external", href: address(currentLanguage() === "zh" ? "/guide/zh/" : "/guide/index.html") },
    { label: t("account.docs"), icon: "external", href: address("/docs") },
    by === "session" && { line: true },
    by === "session" && { label: t("account.signOut"), icon: "lock", onClick: () => signOut().then(sessionChanged, noteError) },
  ];
}
