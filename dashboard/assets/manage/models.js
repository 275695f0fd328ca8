/**
 * Models: the files by kind, and the downloads under way.
 * @module
 */
import { cleanups } from "../core/store.js";
import { bytes, dateTime, left, number } from "../core/format.js";
import { fill, h, keyed, setText, show } from "../core/dom.js";
import { t } from "../i18n/index.js";
import { get, post, request } from "../core/api.js";
import { can } from "../core/session.js";
import { forgetSchema } from "../generate/schema.js";
import { on } from "../live/live.js";
import { button, empty, errorText, failure, field, oneAtATime, progressBar, skeleton, stateLabel } from "../widgets/parts.js";
import { confirm, openDialog } from "../widgets/dialog.js";
import { note, noteError } from "../widgets/notes.js";

/** Fill the page. */
export function mount(root) {
  const ends = cleanups();
  const loaded = h("span.muted.small");
  const search = h("input.input", {
    type: "search",
    placeholder: t("models.search"),
    "aria-label": t("models.search"),
    on: { input: draw },
  });
  const downloads = h("section.panel", { hidden: true }, h("header", h("h2", t("models.downloads"))), h("div.download-list"));
  const place = h("div.model-groups", skeleton(6, 24));
  let files = null;
  root.append(
    h(
      "div.page-head",
      h("h1", t("nav.models")),
      loaded,
      h("div.fill"),
      h("div.head-search", search),
      can("admin") && button({ label: t("models.unload"), icon: "down", onClick: unload }),
      can("admin") && button({ label: t("models.add"), icon: "plus", kind: "primary", onClick: () => add() }),
    ),
    downloads,
    place,
  );

  /** An administrator sees the folders; other keys the names that requests may use. */
  async function load() {
    try {
      if (can("admin")) {
        const answer = await get("/v1/engine/model-files");
        files = answer.files;
        drawDownloads(answer.downloads);
      } else files = await byKind();
      draw();
    } catch (error) {
      fill(place, failure(error, load));
    }
  }
  async function byKind() {
    const groups = {};
    for (const one of await get("/v1/engines/models"))
      (groups[one.kind] ??= []).push({ ...one, short_hash: one.hash, modified_at: Date.parse(one.modified_at) });
    return groups;
  }

  function draw() {
    if (!files) return;
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const groups = Object.entries(files)
      .map(([folder, list]) => [folder, list.filter(({ name }) => words.every((word) => name.toLowerCase().includes(word)))])
      .filter(([, list]) => list.length);
    if (!groups.length) {
      fill(place, h("section.panel", empty("models", t("models.none"))));
      return;
    }
    fill(
      place,
      groups.map(([folder, list]) =>
        h(
          "section.panel",
          h("header", h("h2", folder, h("span.count", number(list.length)))),
          h(
            "div.table",
            h(
              "table.model-table",
              h(
                "thead.sr",
                h(
                  "tr",
                  h("th", t("models.name")),
                  h("th", t("models.size")),
                  h("th.wide", t("models.changed")),
                  h("th.wide", "SHA-256"),
                  h("th", ""),
                ),
              ),
              h(
                "tbody",
                list.map((one) =>
                  h(
                    "tr",
                    h("td", one.name),
                    h("td.end.muted", bytes(one.size)),
                    h("td.muted.wide", dateTime(one.modified_at)),
                    h("td.mono.muted.wide", { title: one.sha256 ?? "" }, one.short_hash ?? "–"),
                    can("admin") &&
                      h(
                        "td.end",
                        button({
                          label: t("models.delete", { name: one.name }),
                          icon: "trash",
                          kind: "quiet",
                          small: true,
                          compact: true,
                          onClick: () => remove(folder, one.name),
                        }),
                      ),
                  ),
                ),
              ),
            ),
          ),
        ),
      ),
    );
  }

  function drawDownloads(list) {
    show(downloads, list.length > 0);
    keyed(
      downloads.lastElementChild,
      list,
      (one) => one.id,
      download,
      (element, one) => element.update(one),
    );
  }
  function download({ id }) {
    const name = h("b");
    const state = h("span");
    const facts = h("span.muted.small.num");
    const bar = progressBar(t("models.progress"));
    const problem = h("p.error.small", { hidden: true });
    const act = (path) => () =>
      post(`/v1/engine/model-files/downloads/${id}/${path}`, path === "resume" ? {} : undefined).then(update, noteError);
    const cancel = button({ label: t("action.cancel"), icon: "close", small: true, onClick: act("cancel") });
    const resume = button({ label: t("models.resume"), icon: "play", small: true, onClick: act("resume") });
    function update(one) {
      setText(name, one.name ?? one.url);
      fill(state, stateLabel(one.state));
      const share = one.total ? (one.received / one.total) * 100 : null;
      bar.set(share);
      const open = ["waiting", "downloading", "checking", "paused"].includes(one.state);
      show(bar.element, open);
      setText(
        facts,
        [
          one.folder,
          one.total ? `${bytes(one.received)} / ${bytes(one.total)}` : bytes(one.received),
          one.speed && `${bytes(one.speed)}/s`,
          one.eta_seconds && t("queue.eta", { t: left(one.eta_seconds) }),
        ]
          .filter(Boolean)
          .join(" · "),
      );
      show(problem, Boolean(one.error));
      setText(problem, one.error?.message ?? "");
      show(cancel, open);
      show(resume, ["failed", "paused"].includes(one.state));
    }
    return Object.assign(
      h("div.download", h("div.download-head", name, state, h("span.fill"), resume, cancel), bar.element, facts, problem),
      { update },
    );
  }

  async function remove(folder, name) {
    const agreed = await confirm({
      title: t("models.deleteTitle"),
      text: t("models.deleteText", { name }),
      action: t("action.delete"),
      danger: true,
    });
    if (!agreed) return;
    try {
      await request(
        "DELETE",
        `/v1/engine/model-files/${encodeURIComponent(folder)}/${name.split("/").map(encodeURIComponent).join("/")}`,
      );
      forgetSchema();
      note(t("models.deleted", { name }));
    } catch (error) {
      noteError(error);
    }
    void load();
  }
  async function unload() {
    try {
      await post("/v1/engine/unload");
      note(t("models.unloaded"));
    } catch (error) {
      noteError(error);
    }
  }

  function add() {
    const url = h("input.input", { type: "url", required: true, placeholder: "https://…", autofocus: true });
    const folder = h(
      "select.input",
      Object.keys(files ?? {}).map((name) => h("option", { value: name }, name)),
    );
    const name = h("input.input", { placeholder: t("models.nameHint") });
    const sha = h("input.input.mono", { pattern: "[0-9a-fA-F]{64}", placeholder: t("models.shaHint"), maxlength: 64 });
    const token = h("input.input", { type: "password", autocomplete: "off" });
    const problem = h("p.error", { role: "alert", hidden: true });
    const form = h(
      "form.form",
      { id: "download-form", on: { submit: oneAtATime(send) } },
      field(t("models.url"), url),
      field(t("models.folder"), folder),
      field(t("models.name"), name),
      field("SHA-256", sha),
      field(t("models.token"), token, { hint: t("models.tokenHint") }),
      problem,
    );
    const dialog = openDialog({
      title: t("models.add"),
      body: form,
      footer: [
        button({ label: t("action.cancel"), onClick: () => dialog.close() }),
        h("button.button.primary", { type: "submit", form: "download-form" }, t("models.start")),
      ],
    });
    async function send(event) {
      event.preventDefault();
      try {
        await post("/v1/engine/model-files", {
          url: url.value.trim(),
          folder: folder.value,
          ...(name.value.trim() ? { name: name.value.trim() } : {}),
          ...(sha.value ? { sha256: sha.value } : {}),
          ...(token.value ? { headers: { Authorization: `Bearer ${token.value}` } } : {}),
        });
        dialog.close();
        void load();
      } catch (error) {
        show(problem, true);
        setText(problem, errorText(error));
      }
    }
  }

  ends.add(
    on("download", (one) => {
      const element = downloads.lastElementChild.querySelector(`[data-key="${CSS.escape(one.id)}"]`);
      if (element && one.state !== "done") element.update(one);
      else {
        forgetSchema();
        void load();
      }
    }),
    on("model", ({ loaded: is, model }) =>
      setText(loaded, is && model ? t("models.loaded", { name: model }) : is === false ? t("models.notLoaded") : ""),
    ),
    on("reload", load),
  );
  void load();
  return ends.end;
}
