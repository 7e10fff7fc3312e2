// The head of a playlist: its cover, name, description and folder, each changed in place.
const LARGEST_PICTURE = 16 * 1024 * 1024;

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".playlist");
  const drawn = JSON.stringify(data);
  if (root.dataset.drawn === drawn || root.querySelector("form")) return; // a form that is being filled in stays
  const before = root.__data;
  root.dataset.drawn = drawn;
  root.__data = data;
  root.__changed = () => setTriggerValue("changed", Date.now());
  if (!before || shownFacts(before) !== shownFacts(data)) drawHead(root); // else the change was shown when it was made
}

const shownFacts = ({ name, comment, folder, cover }) => JSON.stringify([name, comment, folder, cover]);

const drawHead = (root) => {
  const { name, comment, folder, cover } = root.__data;
  const edit = h("button", { type: "button", class: "plain", onclick: () => drawForm(root) }, icon("edit"), h("span", {}, gettext("Edit")));
  const { className: focused } = root.getRootNode().activeElement ?? {};
  root.replaceChildren(
    h("button", { type: "button", class: "frame", "aria-label": gettext("Change the cover"), title: gettext("Change the cover"), "aria-haspopup": "dialog", onclick: (event) => chooseCover(root, event.currentTarget) }, picture(cover, name), h("span", { class: "change", "aria-hidden": "true" }, icon("edit"))),
    h("div", { class: "names" }, folder ? h("div", { class: "folder", dir: "auto" }, folder) : null, h("h1", { dir: "auto" }, name), comment ? h("p", { dir: "auto" }, comment) : null, edit));
  if (["plain", "frame"].includes(focused)) root.querySelector(`:scope .${focused}`).focus({ preventScroll: true });
  document.title = `${name} · Segue`;
};

// Sends a change; its effect is shown at once, and taken back if the server refuses.
const change = async (root, facts, send) => {
  const before = root.__data, say = (text) => window.__segue?.say(text);
  root.__data = { ...before, ...facts };
  drawHead(root);
  try {
    const answer = await send();
    if (answer.ok) { const { cover } = await answer.json(); if (cover) { root.__data.cover = cover; drawHead(root); } root.__changed(); return true; }
    say(answer.status === 422 ? await answer.text() : answer.status === 413 ? gettext("The picture is too large.") : gettext("Something went wrong. Try again."));
  } catch { say(gettext("The server does not respond")); }
  root.__data = before;
  drawHead(root);
  return false;
};

const address_of = (root, part = "") => `/api/playlists/${encodeURIComponent(root.__data.id)}${part}`;
const put = (root, facts) => fetch(address_of(root), { method: "PUT", headers: { "content-type": "application/json" }, body: JSON.stringify(facts) });

const drawForm = (root, kept = root.__data) => {
  const { longest, folders } = root.__data, names = root.querySelector(".names");
  const name = h("input", { type: "text", required: true, maxlength: longest.name, value: kept.name, dir: "auto" });
  const comment = h("textarea", { maxlength: longest.comment, rows: 3, dir: "auto" });
  comment.value = kept.comment;
  const folder = h("input", { type: "text", maxlength: longest.name, value: kept.folder, list: "folders", dir: "auto" });
  const close = () => { drawHead(root); root.querySelector(".plain").focus({ preventScroll: true }); };
  const submit = async (event) => {
    event.preventDefault();
    const facts = { name: name.value.trim().replace(/\s+/g, " "), comment: comment.value.trim().replace(/\s+/g, " "), folder: folder.value.trim().replace(/\s+/g, " ") };
    if (!facts.name) { name.focus(); return; }
    if (await change(root, facts, () => put(root, facts))) root.querySelector(".plain")?.focus({ preventScroll: true });
    else drawForm(root, { ...root.__data, ...facts }); // the entered text is not lost
  };
  names.replaceChildren(h("form", { onsubmit: submit, onkeydown: (event) => { if (event.key === "Escape") { event.preventDefault(); close(); } } },
    h("label", {}, gettext("Name"), name), h("label", {}, gettext("Description"), comment),
    h("label", {}, gettext("Folder"), folder), h("datalist", { id: "folders" }, ...folders.map((one) => h("option", { value: one }))),
    h("div", { class: "actions" }, h("button", { type: "submit", class: "send" }, gettext("Save")), h("button", { type: "button", onclick: close }, gettext("Cancel")))));
  name.focus({ preventScroll: true });
};

const chooseCover = (root, anchor) => {
  root.querySelector(".covers")?.remove();
  const panel = h("div", { class: "covers", popover: "auto", role: "dialog", "aria-label": gettext("Cover of the playlist") });
  const close = () => { panel.remove(); root.querySelector(".frame")?.focus({ preventScroll: true }); };
  const choose = (cover) => () => { close(); change(root, { cover: cover || null }, () => put(root, { cover })); };
  const file = h("input", { type: "file", accept: "image/jpeg,image/png,image/webp", hidden: true, onchange: () => {
    const [chosen] = file.files;
    close();
    if (!chosen) return;
    if (chosen.size > LARGEST_PICTURE) { window.__segue?.say(gettext("The picture is too large.")); return; }
    change(root, {}, () => fetch(address_of(root, "/picture"), { method: "PUT", headers: { "content-type": "application/octet-stream" }, body: chosen }));
  } });
  const { covers } = root.__data;
  panel.append(
    h("button", { type: "button", onclick: () => file.click() }, gettext("Upload a picture")), file,
    h("button", { type: "button", onclick: choose("") }, gettext("No picture")),
    ...(!covers.length ? [] : [h("div", { class: "grid", role: "group", "aria-label": gettext("Covers of its songs") }, ...covers.map(([cover, name]) => h("button", { type: "button", class: "frame", "aria-label": gettext("Cover of {album}", { album: name }), onclick: choose(cover) }, picture(cover, name))))]));
  panel.addEventListener("toggle", (event) => { if (event.newState === "closed") panel.remove(); });
  root.append(panel);
  panel.showPopover();
  const { left, bottom } = anchor.getBoundingClientRect();
  panel.style.left = `${Math.max(8, Math.min(left, innerWidth - panel.offsetWidth - 8))}px`;
  panel.style.top = `${Math.max(8, Math.min(bottom + 6, innerHeight - panel.offsetHeight - 8))}px`;
  panel.querySelector("button").focus({ preventScroll: true });
};
