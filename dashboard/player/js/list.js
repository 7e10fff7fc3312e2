// A list or grid of tracks that the page gives.
export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".tracks");
  root.__off?.();
  root.__data = data;
  root.__edit = (what) => setTriggerValue("edit", what);
  root.className = `tracks ${data.layout}`;
  const focused = root.getRootNode().activeElement;
  draw(root, data, (what) => setTriggerValue("open", what));
  if (focused && focused.isConnected && root.contains(focused)) focused.focus({ preventScroll: true });
  const update = () => mark(root), wake = () => setTriggerValue("replanned", Date.now());
  addEventListener("segue:state", update);
  if (data.live) { addEventListener("segue:replanned", wake); followDial(data.dial); }
  update();
  const unwatch = watchImpressions(root, data.items);
  return (root.__off = () => { removeEventListener("segue:state", update); removeEventListener("segue:replanned", wake); unwatch(); });
}

// What follows in the queue goes by another mood at once, not from the next play on.
function followDial(dial) {
  const engine = window.__segue, before = engine?.dial;
  if (!engine || before === dial) return;
  engine.dial = dial;
  if (before !== undefined) engine.refresh().then((changed) => { if (changed) engine.extend(); });
}
