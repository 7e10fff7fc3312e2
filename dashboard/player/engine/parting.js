// Requests of a page that is closing. A page with a service worker hands them to the worker, too: a beacon goes through the
// worker, and Chromium loses it if the page is gone before the worker has started. The server takes each only once.
/** @param {"/api/events" | "/api/queue"} path @param {string} body JSON */
export const sendParting = (path, body) => {
  navigator.sendBeacon(path, new Blob([body], { type: "application/json" }));
  navigator.serviceWorker?.controller?.postMessage({ path, body });
};
