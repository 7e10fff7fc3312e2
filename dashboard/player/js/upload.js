// A search with an audio file: it is uploaded and analysed, and similar tracks are listed.
const findSimilar = async (root, file) => {
  const say = (text, fault = false) => { root.__status.textContent = text; root.__status.classList.toggle("fault", fault); };
  if (!file || root.__busy) return;
  if (file.size > root.__largest) return say(gettext("This file is larger than {size} MB.", { size: Math.floor(root.__largest / 1048576) }), true);
  root.__busy = true;
  root.querySelector(".drop").classList.add("busy");
  root.__near.replaceChildren();
  say(gettext("Analysing {name}…", { name: file.name }));
  try {
    const answer = await fetch("/api/similar", { method: "POST", headers: { "content-type": "application/octet-stream" }, body: file });
    const kind = answer.headers.get("content-type") ?? "", result = kind.includes("json") ? await answer.json() : { error: await answer.text() };
    if (!answer.ok) say(result.error || gettext("Something went wrong. Try again."), true);
    else {
      say(result.items.length ? gettext("Similar to {name}:", { name: file.name }) : gettext("The library has no similar songs."));
      root.__near.__data = { items: result.items, layout: "list", whole: true };
      draw(root.__near, root.__near.__data);
      mark(root.__near);
    }
  } catch { say(gettext("The file could not be uploaded. Try again."), true); }
  root.__busy = false;
  root.querySelector(".drop").classList.remove("busy");
};

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".upload");
  root.__largest = data.largest;
  if (!root.__near) {
    const input = h("input", { type: "file", accept: "audio/*,.mp3,.ogg,.opus,.flac,.m4a,.aac,.wav", "aria-label": gettext("Audio file"), onchange: () => { findSimilar(root, input.files[0]); input.value = ""; } });
    const drop = h("label", { class: "drop" }, icon("upload"), h("span", {}, h("b", {}, gettext("Drop an audio file here, or choose one")), h("small", {}, gettext("mp3, ogg, opus, flac, m4a, aac or wav; it is analysed and not stored"))), input);
    for (const kind of ["dragenter", "dragover"]) drop.addEventListener(kind, (event) => { event.preventDefault(); drop.classList.add("over"); });
    for (const kind of ["dragleave", "drop"]) drop.addEventListener(kind, (event) => { event.preventDefault(); drop.classList.remove("over"); });
    drop.addEventListener("drop", (event) => findSimilar(root, event.dataTransfer.files[0]));
    root.__status = h("p", { class: "said", role: "status" });
    root.__near = h("div", { class: "tracks list" });
    root.replaceChildren(drop, root.__status, root.__near);
  }
  const update = () => mark(root.__near);
  root.__off?.();
  addEventListener("segue:state", update);
  return (root.__off = () => removeEventListener("segue:state", update));
}
