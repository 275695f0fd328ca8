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
    "aria-describedby": "sign-in-problem",
  });
  // The countdown changes each second: it is read out once.
  const words = h("span", { "aria-hidden": "true" });
  const spoken = h("span.sr", { role: "alert" });
  const problem = h("p.error", { id: "sign-in-problem", hidden: true }, words, spoken);
  const submit = h("button.button.primary", { type: "submit" }, icon("lock"), t("signIn.action"));
  let timer = 0;

  function refuse(error) {
    show(problem, true);
    const wait = error instanceof ApiError && error.status === 429 ? error.retryAfter : null;
    setText(words, error instanceof ApiError && error.status === 401 ? t("signIn.wrong") : errorText(error));
    input.setAttribute("aria-invalid", "true");
    input.focus();
    input.select();
    submit.disabled = Boolean(wait);
    clearInterval(timer);
    if (wait) count(Math.ceil(wait));
    setText(spoken, words.textContent);
  }

  /** Count down to the next try. */
  function count(seconds) {
    const draw = () => {
      submit.disabled = seconds > 0;
      if (seconds > 0) setText(words, t("signIn.limit", { t: duration(seconds) }));
      else {
        clearInterval(timer);
        show(problem, false);
        input.removeAttribute("aria-invalid");
      }
      seconds -= 1;
    };
    timer = window.setInterval(draw, 1000);
    draw();
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
            else {
              clearInterval(timer);
              onDone();
            }
          } catch (error) {
            refuse(error);
          }
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
