// Streamlit's message about a lost connection would cover the page, while the music plays on and the bar reports the
// outage. Streamlit shows it no more after it was closed once.
const CONNECTION_LOST = "Connection error";

const closeConnectionMessage = () => {
  for (const dialog of document.querySelectorAll("[role=dialog]")) {
    const title = dialog.querySelector("h1, h2, h3, [slot=title]")?.textContent ?? dialog.textContent;
    if (title.trim().startsWith(CONNECTION_LOST)) dialog.querySelector("button")?.click();
  }
};

const quietStreamlit = () => {
  window.__segueQuiet?.disconnect();
  window.__segueQuiet = new MutationObserver(closeConnectionMessage);
  window.__segueQuiet.observe(document.body, { childList: true });
};
