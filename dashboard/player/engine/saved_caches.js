// The caches with the songs that a browser has saved to be played without a network, one for each listener. Saved songs
// stay only while their listener is the one who uses the browser.
export const ROOMS = [250, 500, 1000, 2000, 5000, 10000, 20000].map((megabytes) => megabytes * 1e6); // sizes to choose from, in bytes
const SONGS = "segue.saved.", LISTENER = "segue.listener";

/** Whether this page may keep songs: browsers allow it on https addresses and on this machine. */
export const canSave = () => Boolean(globalThis.isSecureContext && globalThis.caches && navigator.locks);

/** @param {string} tag the listener */
export const cacheOf = (tag) => SONGS + tag;

/** The listener who uses the browser, also without a network. @returns {string} empty if there is none */
export const presentListener = () => {
  try { return localStorage.getItem(LISTENER) ?? ""; } catch { return ""; }
};

/** Remove the saved songs of everybody else. @param {string} [tag] the listener who uses the browser now, if there is one */
export const keepSavedOf = async (tag = "") => {
  try { if (tag) localStorage.setItem(LISTENER, tag); else localStorage.removeItem(LISTENER); } catch { /* storage is blocked, and songs with it */ }
  if (!canSave()) return;
  for (const name of await caches.keys()) if (name.startsWith(SONGS) && name !== cacheOf(tag)) await caches.delete(name);
};
