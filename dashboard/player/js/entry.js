// Log-in and sign-up by fetch, since only a response can set the HttpOnly cookie; then the first page is loaded.
export default function ({ data, parentElement }) {
  const root = parentElement.querySelector("#segue-entry");
  if (root.dataset.kind === data.kind) return;
  root.dataset.kind = data.kind;
  if (data.nobody) keepSavedOf();
  const fault = h("p", { class: "fault", role: "alert" });
  const send = h("button", { type: "submit", class: "send" }, data.label);
  // The text of a form in place of the first page; the token of a link comes after the "#", which no server gets.
  const said = {
    "forgot-password": gettext("If there is such an account with a confirmed mail address, a link is on its way. It works for half an hour."),
    "mail-address": gettext("If you have entered an address, open the link in the mail that was sent there."),
    "confirm-address": gettext("Your mail address is confirmed."),
  }[data.kind];
  const token = data.kind === "reset-password" || data.kind === "confirm-address" ? location.hash.slice(1) : "";
  const leave = async (body) => {
    send.disabled = true;
    fault.textContent = "";
    try {
      const answer = await fetch(`/api/people/${data.kind}`, { method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" } });
      if (answer.ok && said) { root.replaceChildren(h("p", { role: "status" }, said)); return; }
      if (answer.ok) {
        window.__segue?.pause();
        if (data.kind.startsWith("log-out")) await keepSavedOf();
        location.href = "/";
        return;
      }
      fault.textContent = (await answer.json().catch(() => ({}))).error ?? gettext("Something went wrong. Please try again.");
    } catch { fault.textContent = gettext("The server does not respond. Please try again."); }
    send.disabled = false;
  };
  if (data.kind === "hand-over") { root.replaceChildren(fault); leave({ code: data.code }); return; }
  if (data.kind.startsWith("log-out")) { root.replaceChildren(send, fault); send.type = "button"; send.onclick = () => leave({}); return; }
  const form = (submit, ...parts) => root.replaceChildren(h("form", { onsubmit: (event) => { event.preventDefault(); submit(); } }, ...parts, fault, send));
  if (data.kind === "confirm-address") { form(() => leave({ token })); return; }
  if (data.kind === "forgot-password") {
    const name = h("input", { name: "username", autocomplete: "username", required: true, maxlength: 32 });
    form(() => leave({ name: name.value }), h("label", {}, gettext("Name"), name));
    return;
  }
  if (data.kind === "mail-address") {
    const address = h("input", { type: "email", autocomplete: "email", maxlength: 254 });
    const password = h("input", { type: "password", required: true, maxlength: 256, autocomplete: "current-password" });
    form(() => leave({ address: address.value, password: password.value }),
      h("label", {}, gettext("Mail address"), address), h("label", {}, gettext("Present password"), password));
    return;
  }
  if (data.kind === "change-password" || data.kind === "reset-password") {
    const secret = (autocomplete, minlength) => h("input", { type: "password", required: true, minlength, maxlength: 256, autocomplete });
    const [present, changed, again] = [secret("current-password", 1), secret("new-password", 8), secret("new-password", 8)];
    const submit = () => {
      if (changed.value !== again.value) fault.textContent = gettext("The new passwords differ.");
      else if (data.kind === "reset-password") leave({ token, new_password: changed.value });
      else leave({ password: present.value, new_password: changed.value });
    };
    form(submit, data.kind === "change-password" ? h("label", {}, gettext("Present password"), present) : "",
      h("label", {}, gettext("New password"), changed), h("label", {}, gettext("New password again"), again));
    return;
  }
  const name = h("input", { name: "username", autocomplete: "username", required: true, maxlength: 32 });
  const password = h("input", { name: "password", type: "password", required: true, minlength: data.kind === "sign-up" ? 8 : 1, maxlength: 256,
    autocomplete: data.kind === "sign-up" ? "new-password" : "current-password" });
  form(() => leave({ name: name.value, password: password.value }), h("label", {}, gettext("Name"), name), h("label", {}, gettext("Password"), password));
}
