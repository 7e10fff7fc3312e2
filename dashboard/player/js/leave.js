// Removal of the listener, after a confirmation; the response sets the cookie of a new guest session.
export default function ({ data, parentElement }) {
  const root = parentElement.querySelector("#segue-leave");
  if (root.dataset.ready) return;
  root.dataset.ready = "yes";
  const fault = h("p", { class: "fault", role: "alert" });
  const agree = h("input", { type: "checkbox", id: "segue-leave-sure" });
  const send = h("button", { type: "button", class: "send", disabled: true }, data.label);
  agree.onchange = () => { send.disabled = !agree.checked; };
  send.onclick = async () => {
    send.disabled = true;
    fault.textContent = "";
    try {
      const answer = await fetch("/api/me/leave", { method: "POST", body: JSON.stringify({ confirm: data.confirm }), headers: { "Content-Type": "application/json" } });
      if (answer.ok) { window.__segue?.audio.pause(); await keepSavedOf(); location.href = "/"; return; }
      fault.textContent = (await answer.json().catch(() => ({}))).error ?? gettext("Something went wrong. Please try again.");
    } catch { fault.textContent = gettext("The server does not respond. Please try again."); }
    send.disabled = false;
  };
  root.replaceChildren(h("form", { onsubmit: (event) => event.preventDefault() },
    h("label", { class: "sure" }, agree, gettext("I am sure")), fault, send));
}
