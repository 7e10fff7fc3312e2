// The engine: playback, queue, recommendations and radio, with the sleep timer: the music pauses after some minutes, or
// at the end of the song.
import { Radio } from "./radio.js";

export const SLEEPS = [["", "Sleep timer: off"], ["15", "Stop in 15 minutes"], ["30", "Stop in 30 minutes"], ["60", "Stop in 60 minutes"], ["song", "Stop after this song"]];

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
    this.say("The sleep timer has stopped the music");
  }
}
