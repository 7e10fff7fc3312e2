// The shelf of saved songs on the page You.
export default function ({ parentElement }) {
  const root = parentElement.querySelector(".saved");
  root.__shelf?.off();
  root.__shelf = new Shelf(root);
  return () => root.__shelf.off();
}
