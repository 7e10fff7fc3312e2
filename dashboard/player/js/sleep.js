// The sleep timer: the music pauses after some minutes, or at the end of the song.
const SLEEPS = [["", gettext("Sleep timer: off")], ...["15", "30", "60"].map((minutes) => [minutes, gettext("Stop in {minutes} minutes", { minutes })]), ["song", gettext("Stop after this song")]];

Object.assign(Engine.prototype, {
  sleepAfter(when) { // minutes as text, "song", or "" for off
    clearTimeout(this.sleepTimer);
    this.sleep = when;
    if (Number(when)) this.sleepTimer = setTimeout(() => this.fallAsleep(), Number(when) * 60e3);
    this.changed();
  },
  fallAsleep() {
    this.sleep = "";
    this.pause();
    this.say(gettext("The sleep timer has stopped the music"));
  },
});
