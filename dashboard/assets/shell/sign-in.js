/**
 * The form that takes a key. It is sent once, in the body of a request, for a cookie that scripts can't read.
 * @module
 */
import { address } from "../core/paths.js";
import { ApiError } from "../core/api.js";
import { h, icon, setText, show } from "../core/dom.js";
import { duration } from "../core/format.js";
import { t } from "../i18n/index.js";
import { session, signIn } from "../core/session.js";
import { errorText, field, linkButton } from "../widgets/parts.js";

/**
 * Build the form, or the link to the WebUI's own login where no keys exist.
 *
 * @param {() => void} onDone
 */
export function signInForm(onDone) {
  if (session.get().needs === "login") {
    return h(
      "section.panel.sign-in",
      h("div", h("h1", t("signIn.title")), h("p.muted", t("signIn.login"))),
      linkButton({ label: t("account.webui"), icon: "external", href: address("/"), kind: "primary" }),
    );
  }
  const input = h("input.input", {
    type: "password",
    name: "key",
    autocomplete: "current-password",
    required: true,
    spellcheck: "false",
    placeholder: "fooocus_…",
  });
  const problem = h("p.error", { role: "alert", hidden: true });
  const submit = h("button.button.primary", { type: "submit" }, icon("lock"), t("signIn.action"));
  let timer = 0;

  function refuse(error) {
    show(problem, true);
    const wait = error instanceof ApiError && error.status === 429 ? error.retryAfter : null;
    setText(problem, error instanceof ApiError && error.status === 401 ? t("signIn.wrong") : errorText(error));
    input.setAttribute("aria-invalid", "true");
    input.focus();
    input.select();
    if (!wait) return;
    let seconds = Math.ceil(wait);
    clearInterval(timer);
    timer = window.setInterval(() => {
      seconds -= 1;
      submit.disabled = seconds > 0;
      setText(problem, seconds > 0 ? t("signIn.limit", { t: duration(seconds) }) : "");
      if (seconds <= 0) clearInterval(timer);
    }, 1000);
  }

  const form = h(
    "form.panel.sign-in",
    {
      on: {
        submit: async (event) => {
          event.preventDefault();
          submit.disabled = true;
          try {
            await signIn(input.value.trim());
            input.value = "";
            if (session.get().state === "signed_out") refuse(new ApiError(401, {}));
            else onDone();
          } catch (error) {
            refuse(error);
          }
          submit.disabled = false;
        },
      },
    },
    h("div", h("h1", t("signIn.title")), h("p.muted", t("signIn.text"))),
    // Password managers want a name to keep a password under.
    h("input", { type: "text", name: "username", autocomplete: "username", value: "fooocus", hidden: true }),
    field(t("signIn.key"), input),
    problem,
    submit,
  );
  queueMicrotask(() => input.focus());
  return form;
}
