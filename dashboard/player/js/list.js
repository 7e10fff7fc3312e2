// A list, grid or shelf of tracks.
export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".tracks");
  root.__off?.();
  if (data.edit) arrangeable(root, data.edit, () => setTriggerValue("edited", Date.now()));
  root.__given = JSON.stringify(data);
  if (root.__waiting || data.version < root.__version) data = root.__data; // the page does not know the last changes yet
  const update = () => mark(root), wake = () => setTriggerValue("replanned", Date.now());
  addEventListener("segue:state", update);
  if (data.live) { addEventListener("segue:replanned", wake); followDial(data.dial); }
  if (data.live) root.__still ??= new Still(root, (next) => glide(root, () => place(root, next)));
  if (data.live && root.children.length) root.__still.show(data);
  else place(root, data);
  update();
  return (root.__off = () => { removeEventListener("segue:state", update); removeEventListener("segue:replanned", wake); root.__still?.end(); root.__unwatch?.(); });
}

const place = (root, data) => {
  root.__data = data;
  root.className = `tracks ${data.layout}${data.items.length ? "" : " none"}`;
  const focused = root.getRootNode().activeElement;
  draw(root, data);
  if (focused && focused.isConnected && root.contains(focused)) focused.focus({ preventScroll: true });
  chooseIn(root);
  root.__unwatch?.();
  root.__unwatch = watchImpressions(root, data.items);
  mark(root);
};

// After a change of the mood dial, replace the recommendations in the queue at once.
function followDial(dial) {
  const engine = window.__segue, before = window.__dial;
  window.__dial = dial; // also where the list comes before the engine, which asks for recommendations when it starts
  if (!engine || before === undefined || before === dial) return;
  engine.refresh().then((changed) => (changed ? engine.extend() : engine.replan())); // the server may not have answered
}
