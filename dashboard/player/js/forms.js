// The forms of a recording: the file itself, or converted by the server. "maybe" of a browser counts as yes.
const playableForm = (ticket, { canPlay, vendor = "", undecodable = false }) => {
  const original = { url: ticket.url, type: ticket.type, original: true };
  // Safari claims Ogg, and fails on a stream in which it cannot seek.
  const converted = (ticket.forms ?? []).filter((form) => !(vendor.startsWith("Apple") && form.type.startsWith("audio/ogg")));
  return [...(undecodable || !ticket.type ? [] : [original]), ...converted].find((form) => canPlay(form.type) !== "") ?? original;
};
const formFrom = (form, ms) => (form.original || !ms ? form.url : `${form.url}&start=${(ms / 1000).toFixed(3)}`);
const reaches = (audio, seconds) => [...Array(audio.seekable.length).keys()].some((i) => audio.seekable.start(i) <= seconds && seconds < audio.seekable.end(i));
const overloaded = async (url) => { // whether the server has no room to convert a recording now
  const stop = new AbortController();
  try { return (await fetch(url, { signal: stop.signal })).status === 503; } catch { return false; } finally { stop.abort(); }
};
