// The tabs of one browser. One of them sounds at a time: the one in which the listener pressed play last.
export class Tabs {
  constructor({ silence, look }) {
    this.channel = "BroadcastChannel" in globalThis ? new BroadcastChannel("segue.tabs") : null;
    this.channel?.addEventListener("message", ({ data }) => (data === "sounds" ? silence() : look()));
  }
  sound() { this.channel?.postMessage("sounds"); }
  stored() { this.channel?.postMessage("stored"); }
}
