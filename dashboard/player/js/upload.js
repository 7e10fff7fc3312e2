// A file of the listener's: it is sent, listened to, and forgotten; what sounds like it is listed.
const listening = async (root, file) => {
  const say = (text, fault = false) => { root.__said.textContent = text; root.__said.classList.toggle("fault", fault); };
  if (!file || root.__busy) return;
  if (file.size > root.__largest) return say(`This file has more than ${Math.floor(root.__largest / 1048576)} MB.`, true);
  root.__busy = true;
  root.querySelector(".drop").classList.add("busy");
  root.__near.replaceChildren();
  say(`Listening to ${file.name}…`);
  try {
    const answer = await fetch("/api/similar", { method: "POST", headers: { "content-type": "application/octet-stream" }, body: file });
    const kind = answer.headers.get("content-type") ?? "", told = kind.includes("json") ? await answer.json() : { error: await answer.text() };
    if (!answer.ok) say(told.error || "That did not work: try again.", true);
    else {
      say(told.items.length ? `Sounds like ${file.name}:` : "Nothing in the library sounds like it.");
      root.__near.__data = { items: told.items, layout: "list", whole: true };
      draw(root.__near, root.__near.__data, root.__open);
      mark(root.__near);
    }
  } catch { say("The file could not be sent: try again.", true); }
  root.__busy = false;
  root.querySelector(".drop").classList.remove("busy");
};

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".upload");
  root.__open = (what) => setTriggerValue("open", what);
  root.__largest = data.largest;
  if (!root.__near) {
    const input = h("input", { type: "file", accept: "audio/*,.mp3,.ogg,.opus,.flac,.m4a,.aac,.wav", "aria-label": "A music file", onchange: () => { listening(root, input.files[0]); input.value = ""; } });
    const drop = h("label", { class: "drop" }, icon("upload"), h("span", {}, h("b", {}, "Drop a song here, or choose a file"), h("small", {}, "mp3, ogg, opus, flac, m4a, aac or wav; it is listened to once and not kept")), input);
    for (const kind of ["dragenter", "dragover"]) drop.addEventListener(kind, (event) => { event.preventDefault(); drop.classList.add("over"); });
    for (const kind of ["dragleave", "drop"]) drop.addEventListener(kind, (event) => { event.preventDefault(); drop.classList.remove("over"); });
    drop.addEventListener("drop", (event) => listening(root, event.dataTransfer.files[0]));
    root.__said = h("p", { class: "said", role: "status" });
    root.__near = h("div", { class: "tracks list" });
    root.replaceChildren(drop, root.__said, root.__near);
  }
  const update = () => mark(root.__near);
  root.__off?.();
  addEventListener("segue:state", update);
  return (root.__off = () => removeEventListener("segue:state", update));
}
