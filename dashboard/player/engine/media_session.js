// The lock screen and the media keys.
/** @param {import("./transport.js").Transport} engine */
export const mediaSession = (engine) => {
  const session = navigator.mediaSession, item = engine.current;
  if (!session || !item) return;
  session.playbackState = engine.playing ? "playing" : "paused";
  const duration = engine.duration / 1000;
  if (duration && !engine.loading) session.setPositionState?.({ duration, position: Math.min(engine.position / 1000, duration) });
  if (engine.announced === item.key) return;
  engine.announced = item.key;
  session.metadata = new MediaMetadata({ title: item.title, artist: item.artist, album: item.album ?? "",
    artwork: item.cover ? [{ src: `/api/covers/${item.cover}` }] : [] });
  /** @type {Partial<Record<MediaSessionAction, MediaSessionActionHandler>>} */
  const does = { play: () => engine.start(), pause: () => engine.pause(), nexttrack: () => engine.next(), previoustrack: () => engine.previous(),
    seekto: (to) => engine.seek((to.seekTime ?? 0) * 1000), seekbackward: () => engine.seek(engine.position - 10000), seekforward: () => engine.seek(engine.position + 10000) };
  for (const [action, handler] of Object.entries(does)) {
    try { session.setActionHandler(/** @type {MediaSessionAction} */ (action), handler); } catch { /* this browser does not know the action */ }
  }
};
