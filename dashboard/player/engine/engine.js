// The engine: playback, queue, recommendations and radio, with the sleep timer: the music pauses after some minutes, or
// at the end of the song.
import { Radio } from "./radio.js";

export class Engine extends Radio {
  sleepAfter(when) { // minutes as text, "song", or "" for off
    clearTimeout(this.sleepTimer);
    this.sleep = when;
    if (Number(when)) this.sleepTimer = setTimeout(() => this.fallAsleep(), Number(when) * 60e3);
    this.changed();
  }
  fallAsleep() {
    this.sleep = "";
    this.pause();
    this.say(gettext("The sleep timer has stopped the music"));
  }
}
