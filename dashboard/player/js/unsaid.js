// The leaving of a tab that has no time to say it: a crash, a killed browser, a machine without power.
// While a song is begun, what would be said if all ended now is kept under the tab's name, every few seconds;
// a later page says it for a tab that has not been heard of, under the same event_id, so that it counts once.
const UNHEARD_MS = 150e3; // timers of a hidden tab may be a minute apart

class Unsaid {
  constructor(tag) {
    this.prefix = `segue.unsaid.${tag}.`;
    try { this.tab = sessionStorage.getItem("segue.tab") ?? uuid(); sessionStorage.setItem("segue.tab", this.tab); }
    catch { this.tab = uuid(); }
  }
  keep(play) {
    try {
      if (play) localStorage.setItem(this.prefix + this.tab, JSON.stringify({ play, at: Date.now() }));
      else localStorage.removeItem(this.prefix + this.tab);
    } catch { /* then it is lost with the tab */ }
  }
  collect() { // of this tab before it was loaded again, and of tabs that are gone
    const found = [];
    try {
      for (const key of Object.keys(localStorage).filter((one) => one.startsWith(this.prefix))) {
        const { play, at } = JSON.parse(localStorage.getItem(key));
        if (key !== this.prefix + this.tab && Date.now() - at < UNHEARD_MS) continue;
        localStorage.removeItem(key);
        found.push(play);
      }
    } catch { /* what cannot be read cannot be said */ }
    return found;
  }
}
