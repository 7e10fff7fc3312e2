/** @typedef {{ url: string, type: string | null | undefined, original?: boolean }} Playable a form of a recording */

// The forms of a recording: the file itself, or converted by the server. "maybe" of a browser counts as yes.
/**
 * @param {import("./messages.d.ts").Ticket} ticket
 * @param {{ canPlay: (type: string) => string, vendor?: string, undecodable?: boolean }} browser
 * @returns {Playable}
 */
export const playableForm = (ticket, { canPlay, vendor = "", undecodable = false }) => {
  const original = { url: ticket.url, type: ticket.type, original: true };
  // Safari claims Ogg, and fails on a stream in which it cannot seek.
  const converted = (ticket.forms ?? []).filter((form) => !(vendor.startsWith("Apple") && form.type.startsWith("audio/ogg")));
  return [...(undecodable || !ticket.type ? [] : [original]), ...converted].find((form) => canPlay(form.type ?? "") !== "") ?? original;
};
/** @param {Playable} form @param {number} ms @returns {string} its address from a time on */
export const formFrom = (form, ms) => (form.original || !ms ? form.url : `${form.url}&start=${(ms / 1000).toFixed(3)}`);
/** @param {HTMLMediaElement} audio @param {number} seconds */
export const reaches = (audio, seconds) => [...Array(audio.seekable.length).keys()].some((i) => audio.seekable.start(i) <= seconds && seconds < audio.seekable.end(i));
/** @param {string} url @returns {Promise<boolean>} */
export const overloaded = async (url) => { // whether the server has no room to convert a recording now
  const stop = new AbortController();
  try { return (await fetch(url, { signal: stop.signal })).status === 503; } catch { return false; } finally { stop.abort(); }
};
