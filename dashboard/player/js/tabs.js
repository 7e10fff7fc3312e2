// One tab sounds at a time: the one in which the listener pressed play last.
class Tabs {
  constructor(engine) {
    this.channel = "BroadcastChannel" in globalThis ? new BroadcastChannel("segue.sound") : null;
    this.channel?.addEventListener("message", () => {
      if (!engine.wanted) return;
      engine.pause();
      engine.say("Playing in another tab");
    });
  }
  sound() { this.channel?.postMessage("sounds"); }
}
