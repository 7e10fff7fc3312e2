// Removal of the listener, after a confirmation; the response sets the cookie of a new guest session.
export default function ({ data, parentElement }) {
  const root = parentElement.querySelector("#segue-leave");
  if (root.dataset.ready) return;
  root.dataset.ready = "yes";
  const fault = h("p", { class: "fault", role: "alert" });
  const agree = h("input", { type: "checkbox", id: "segue-leave-sure" });
  const password = h("input", { type: "password", maxlength: 256, autocomplete: "current-password" });
  const send = h("button", { type: "button", class: "send", disabled: true }, data.label);
  const ready = () => agree.checked && (!data.password || password.value !== "");
  agree.onchange = password.oninput = () => { send.disabled = !ready(); };
  send.onclick = async () => {
    send.disabled = true;
    fault.textContent = "";
    try {
      const answer = await fetch("/api/me/leave", { method: "POST", body: JSON.stringify({ confirm: data.confirm, ...(data.password && { password: password.value }) }), headers: { "Content-Type": "application/json" } });
      if (answer.ok) { window.__segue?.audio.pause(); await keepSavedOf(); location.href = "/"; return; }
      fault.textContent = (await answer.json().catch(() => ({}))).error ?? gettext("Something went wrong. Please try again.");
    } catch { fault.textContent = gettext("The server does not respond. Please try again."); }
    send.disabled = !ready();
  };
  root.replaceChildren(h("form", { onsubmit: (event) => event.preventDefault() },
    data.password ? h("label", {}, gettext("Present password"), password) : "", h("label", { class: "sure" }, agree, gettext("I am sure")), fault, send));
}
