/**
 * API keys: list, add, revoke. A new key is shown once.
 * @module
 */
import { fill, h, icon, setText, show } from "../core/dom.js";
import { dateTime, number } from "../core/format.js";
import { t } from "../i18n/index.js";
import { ApiError, get, post, request } from "../core/api.js";
import { can, loadSession, session } from "../core/session.js";
import { button, empty, errorText, failure, field, oneAtATime, skeleton } from "../widgets/parts.js";
import { confirm, openDialog } from "../widgets/dialog.js";
import { note, noteError } from "../widgets/notes.js";
import { copyText } from "../widgets/clipboard.js";

const SCOPES = ["generate", "read", "read-all", "control", "admin"];
const USUAL = ["generate", "read", "control"];
const LIMITS = ["requests_per_minute", "pending_tasks", "images_per_day"];

/** Fill the page. */
export function mount(root) {
  const place = h("div", skeleton(4, 24));
  let isFirst = false;
  root.append(
    h(
      "div.page-head",
      h("h1", t("nav.keys")),
      h("div.fill"),
      can("admin") && button({ label: t("keys.add"), icon: "plus", kind: "primary", onClick: add }),
    ),
    place,
  );

  async function load() {
    if (!can("admin")) {
      fill(place, h("section.panel", empty("lock", t("error.scope", { scope: "admin" }))));
      return;
    }
    try {
      const { keys, needed } = await get("/v1/keys");
      isFirst = !keys.length;
      if (!keys.length) fill(place, h("section.panel", empty("keys", t("keys.none"), t("keys.noneText"))));
      else {
        fill(
          place,
          !needed && h("div.notice.warn", icon("warn"), t("keys.notNeeded")),
          h(
            "section.panel",
            h(
              "div.table",
              h(
                "table.key-table",
                h(
                  "thead",
                  h(
                    "tr",
                    ["keys.name", "keys.scopes", "keys.limits", "keys.created", "keys.sessions", ""].map((label) =>
                      h("th", { scope: "col" }, label && t(label)),
                    ),
                  ),
                ),
                h("tbody", keys.map(row)),
              ),
            ),
          ),
        );
      }
    } catch (error) {
      fill(place, failure(error, load));
    }
  }

  /** The column's name, which a cell shows where the head is not seen. */
  const labelled = (label) => ({ data: { label: t(label) } });

  function row(key) {
    const limits = LIMITS.filter((name) => key.limits?.[name]).map((name) => `${t(`limit.${name}`)} ${number(key.limits[name])}`);
    return h(
      "tr",
      h("td", h("b", key.name), key.name === session.get().name && h("span.chip", t("keys.you"))),
      h(
        "td",
        labelled("keys.scopes"),
        h(
          "div.chips",
          key.scopes.map((scope) => h("span.chip", scope)),
        ),
      ),
      h("td.small", labelled("keys.limits"), limits.join(", ") || t("keys.noLimit")),
      h("td.small.muted", labelled("keys.created"), key.created ? dateTime(Date.parse(key.created)) : t("keys.commandLine")),
      h("td", labelled("keys.sessions"), key.sessions ? number(key.sessions) : "–"),
      h(
        "td.end",
        key.revocable &&
          button({ label: t("keys.revoke"), icon: "trash", kind: "danger", small: true, onClick: () => revoke(key) }),
      ),
    );
  }

  async function revoke({ name }) {
    const agreed = await confirm({
      title: t("keys.revokeTitle", { name }),
      text: t(name === session.get().name ? "keys.revokeOwn" : "keys.revokeText"),
      action: t("keys.revoke"),
      danger: true,
    });
    if (!agreed) return;
    try {
      await request("DELETE", `/v1/keys/${encodeURIComponent(name)}`);
      note(t("keys.revoked", { name }));
      await loadSession();
    } catch (error) {
      if (error instanceof ApiError && error.code === "last_admin_key") note(t("keys.lastAdmin"), { bad: true, ms: 9000 });
      else noteError(error);
    }
    void load();
  }

  function add() {
    const name = h("input.input", { required: true, maxlength: 100, autocomplete: "off", autofocus: true });
    const scopes = SCOPES.map((scope) =>
      h("input", { type: "checkbox", value: scope, checked: isFirst || USUAL.includes(scope), disabled: !can(scope) }),
    );
    const limits = Object.fromEntries(
      LIMITS.map((limit) => [limit, h("input.input", { type: "number", min: 1, step: 1, placeholder: t("keys.noLimit") })]),
    );
    const problem = h("p.error", { role: "alert", hidden: true });
    const form = h(
      "form.form",
      { id: "key-form", on: { submit: oneAtATime(send) } },
      field(t("keys.name"), name),
      h(
        "fieldset",
        h("legend.label", t("keys.scopes")),
        isFirst && h("p.hint", t("keys.firstScopes")),
        scopes.map((box) =>
          h("label.check", box, h("span", h("b", box.value), h("span.muted.small", ` ${t(`scope.${box.value}`)}`))),
        ),
      ),
      h(
        "div.field-row.even",
        LIMITS.map((limit) => field(t(`limit.${limit}`), limits[limit])),
      ),
      problem,
    );
    const dialog = openDialog({
      title: t("keys.add"),
      body: form,
      width: 520,
      footer: [
        button({ label: t("action.cancel"), onClick: () => dialog.close() }),
        h("button.button.primary", { type: "submit", form: "key-form" }, t("keys.create")),
      ],
    });
    async function send(event) {
      event.preventDefault();
      const given = Object.fromEntries(
        LIMITS.filter((limit) => limits[limit].value).map((limit) => [limit, limits[limit].valueAsNumber]),
      );
      try {
        const made = await post("/v1/keys", {
          name: name.value.trim(),
          scopes: scopes.filter((box) => box.checked).map((box) => box.value),
          ...(Object.keys(given).length ? { limits: given } : {}),
        });
        dialog.close();
        showNew(made);
        void load();
      } catch (error) {
        show(problem, true);
        setText(
          problem,
          error instanceof ApiError && error.errors.length
            ? error.errors.map(({ field: path, message }) => `${nameOf(path)}: ${message}`).join("; ")
            : errorText(error),
        );
      }
    }
  }

  /** Return a refused field's name in the form. */
  const nameOf = (path) =>
    ({ name: t("keys.name"), scopes: t("keys.scopes") })[path] ?? (path.startsWith("limits.") ? t(`limit.${path.slice(7)}`) : path);

  /** Show a new key, the only time that it can be seen. */
  function showNew({ name, key, first }) {
    const text = h("input.input.mono", {
      value: key,
      readonly: true,
      "aria-label": t("keys.key"),
      on: { focus: () => text.select() },
    });
    const dialog = openDialog({
      title: t("keys.made", { name }),
      width: 560,
      stays: true,
      onClose: () => {
        text.value = "";
        if (first) void loadSession();
      },
      body: [
        h("div.notice.warn", icon("warn"), h("div", h("strong", t("keys.once")), first && h("p", t("keys.first")))),
        h("div.copy-line", text, button({ label: t("action.copy"), icon: "copy", onClick: () => void copyText(key) })),
      ],
      footer: [button({ label: t("action.done"), kind: "primary", onClick: () => dialog.close() })],
    });
  }
  void load();
}
