// Log-in and sign-up by fetch, since only a response can set the HttpOnly cookie; then the first page is loaded.
export default function ({ data, parentElement }) {
  const root = parentElement.querySelector("#segue-entry");
  if (root.dataset.kind === data.kind) return;
  root.dataset.kind = data.kind;
  const fault = h("p", { class: "fault", role: "alert" });
  const send = h("button", { type: "submit", class: "send" }, data.label);
  const leave = async (body) => {
    send.disabled = true;
    fault.textContent = "";
    try {
      const answer = await fetch(`/api/people/${data.kind}`, { method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" } });
      if (answer.ok) { window.__segue?.pause(); location.href = "/"; return; }
      fault.textContent = (await answer.json().catch(() => ({}))).error ?? "Something went wrong. Please try again.";
    } catch { fault.textContent = "The server does not respond. Please try again."; }
    send.disabled = false;
  };
  if (data.kind === "hand-over") { root.replaceChildren(fault); leave({ code: data.code }); return; }
  if (data.kind === "log-out") { root.replaceChildren(send, fault); send.type = "button"; send.onclick = () => leave({}); return; }
  const name = h("input", { name: "username", autocomplete: "username", required: true, maxlength: 32 });
  const password = h("input", { name: "password", type: "password", required: true, minlength: data.kind === "sign-up" ? 8 : 1, maxlength: 256,
    autocomplete: data.kind === "sign-up" ? "new-password" : "current-password" });
  root.replaceChildren(h("form", { onsubmit: (event) => { event.preventDefault(); leave({ name: name.value, password: password.value }); } },
    h("label", {}, "Name", name), h("label", {}, "Password", password), fault, send));
}
