// Log-in and sign-up by fetch, since only a response can set the HttpOnly cookie; then the first page is loaded.
export default function ({ data, parentElement }) {
  const root = parentElement.querySelector("#segue-entry");
  if (root.dataset.kind === data.kind) return;
  root.dataset.kind = data.kind;
  if (data.nobody) keepSavedOf();
  const fault = h("p", { class: "fault", role: "alert" });
  const send = h("button", { type: "submit", class: "send" }, data.label);
  const leave = async (body) => {
    send.disabled = true;
    fault.textContent = "";
    try {
      const answer = await fetch(`/api/people/${data.kind}`, { method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" } });
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
  if (data.kind === "change-password") {
    const secret = (autocomplete, minlength) => h("input", { type: "password", required: true, minlength, maxlength: 256, autocomplete });
    const [present, changed, again] = [secret("current-password", 1), secret("new-password", 8), secret("new-password", 8)];
    const submit = (event) => {
      event.preventDefault();
      if (changed.value === again.value) leave({ password: present.value, new_password: changed.value });
      else fault.textContent = gettext("The new passwords differ.");
    };
    root.replaceChildren(h("form", { onsubmit: submit }, h("label", {}, gettext("Present password"), present), h("label", {}, gettext("New password"), changed),
      h("label", {}, gettext("New password again"), again), fault, send));
    return;
  }
  const name = h("input", { name: "username", autocomplete: "username", required: true, maxlength: 32 });
  const password = h("input", { name: "password", type: "password", required: true, minlength: data.kind === "sign-up" ? 8 : 1, maxlength: 256,
    autocomplete: data.kind === "sign-up" ? "new-password" : "current-password" });
  root.replaceChildren(h("form", { onsubmit: (event) => { event.preventDefault(); leave({ name: name.value, password: password.value }); } },
    h("label", {}, gettext("Name"), name), h("label", {}, gettext("Password"), password), fault, send));
}
