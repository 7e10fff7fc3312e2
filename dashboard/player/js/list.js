// A list, grid or shelf of tracks.
export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".tracks");
  root.__off?.();
  root.__data = data;
  if (data.together) {
    if (!together.has(data.together)) together.set(data.together, new Map());
    together.get(data.together).set(data.part, data.items);
  }
  root.__edit = (edit) => setTriggerValue("edit", edit);
  root.className = `tracks ${data.layout}`;
  const focused = root.getRootNode().activeElement;
  draw(root, data);
  if (focused && focused.isConnected && root.contains(focused)) focused.focus({ preventScroll: true });
  const update = () => mark(root), wake = () => setTriggerValue("replanned", Date.now());
  addEventListener("segue:state", update);
  if (data.live) { addEventListener("segue:replanned", wake); followDial(data.dial); }
  update();
  const unwatch = watchImpressions(root, data.items);
  return (root.__off = () => { removeEventListener("segue:state", update); removeEventListener("segue:replanned", wake); unwatch(); });
}

// After a change of the mood dial, replace the recommendations in the queue at once.
function followDial(dial) {
  const engine = window.__segue, before = engine?.dial;
  if (!engine || before === dial) return;
  engine.dial = dial;
  if (before !== undefined) engine.refresh().then((changed) => { if (changed) engine.extend(); });
}
