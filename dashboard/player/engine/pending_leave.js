import { uuid } from "./ids.js";

// The leave event of a tab that cannot send it: after a crash, a killed browser or a power cut.
// During a song, the tab stores every few seconds the leave event that it would send now. A later page sends it for
// a tab that has stopped storing, under the same event_id, so that it counts once.
const SILENT_MS = 150e3; // browsers may delay the timers of a hidden tab by a minute

export class PendingLeave {
  constructor(tag) {
    this.prefix = `segue.unsaid.${tag}.`;
    try { this.tab = sessionStorage.getItem("segue.tab") ?? uuid(); sessionStorage.setItem("segue.tab", this.tab); }
    catch { this.tab = uuid(); }
  }
  keep(play) {
    try {
      if (play) localStorage.setItem(this.prefix + this.tab, JSON.stringify({ play, at: Date.now() }));
      else localStorage.removeItem(this.prefix + this.tab);
    } catch { /* without storage, the event is lost with the tab */ }
  }
  collect() { // events of this tab before a reload, and of closed tabs
    const plays = [];
    try {
      for (const key of Object.keys(localStorage).filter((name) => name.startsWith(this.prefix))) {
        const { play, at } = JSON.parse(localStorage.getItem(key) ?? "");
        if (key !== this.prefix + this.tab && Date.now() - at < SILENT_MS) continue;
        localStorage.removeItem(key);
        plays.push(play);
      }
    } catch { /* storage is blocked or malformed: nothing to send */ }
    return plays;
  }
}
