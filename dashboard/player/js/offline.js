// The page that opens without a network: the saved songs and the player. BAR_DATA, without the listener, stands before
// this script (dashboard/api/offline.py).
const travel = () => {
  const words = document.querySelector("#words"), retry = document.querySelector("#retry"), tag = presentListener();
  const tell = () => { words.textContent = navigator.onLine ? gettext("The server does not respond. Your plays are kept until it is back.") : gettext("There is no network. Your plays are kept until you are back."); };
  const back = async () => { // the server answers again
    try { if (!(await fetch("/manifest.webmanifest", { cache: "no-store" })).ok) return; } catch { return; }
    words.textContent = gettext("You are back: your plays are being reported.");
    retry.textContent = gettext("Open Segue");
  };
  retry.textContent = gettext("Try again");
  retry.onclick = () => location.reload();
  addEventListener("click", (event) => { if (event.composedPath()[0]?.closest?.("a[href]")) event.preventDefault(); }, true); // links lead to pages that need the server
  for (const name of ["online", "offline"]) addEventListener(name, () => { tell(); back(); });
  setInterval(back, 15000);
  tell();
  back();
  const shelf = document.querySelector(".saved");
  if (!tag) { shelf.textContent = gettext("No songs are saved in this browser."); return; }
  mountBar({ data: { ...BAR_DATA, tag }, parentElement: document.body });
  new Shelf(shelf, { travelling: true });
};
travel();
