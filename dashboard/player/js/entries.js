// Albums, artists and playlists as cards, rows or a line of links.
export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".entries");
  const drawn = JSON.stringify(data);
  if (root.dataset.drawn === drawn) return;
  root.dataset.drawn = drawn;
  root.className = `entries ${data.layout}`;
  root.replaceChildren(...data.items.map(entry));
}
