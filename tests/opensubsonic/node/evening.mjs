// An evening with the package subsonic-api. Arguments: the address, and the client's options as JSON.
// Prints the songs that it played to the end, skipped and submitted.
import assert from "node:assert/strict";
import { SubsonicAPI } from "subsonic-api";

const [url, options] = process.argv.slice(2);
const api = new SubsonicAPI({ url, ...JSON.parse(options) });
const ok = async (answer) => {
  const content = await answer;
  assert.equal(content.status, "ok", JSON.stringify(content.error));
  return content;
};

// Log in and browse.
await ok(api.ping());
const { openSubsonicExtensions } = await ok(api.getOpenSubsonicExtensions());
assert.ok(openSubsonicExtensions.some(({ name }) => name === "playbackReport"));
const { artists } = await ok(api.getArtists());
const artist = artists.index.flatMap((index) => index.artist).find(({ name }) => name === "The Example");
const { artist: whole } = await ok(api.getArtist({ id: artist.id }));
assert.deepEqual(whole.album.map(({ name }) => name), ["First Light", "Second Wind"]);
const { album } = await ok(api.getAlbum({ id: whole.album[0].id }));
assert.equal(album.song.length, album.songCount);
assert.equal((await ok(api.getAlbumList2({ type: "newest" }))).albumList2.album.length, 4);

// Search, hear and see.
const { searchResult3 } = await ok(api.search3({ query: "wind", songCount: 2 }));
assert.deepEqual(new Set(searchResult3.song.map((song) => song.album)), new Set(["Second Wind"]));
const [first, second, third] = album.song;
const sound = await (await api.stream({ id: second.id })).arrayBuffer();
assert.equal(sound.byteLength, second.size);
const picture = await api.getCoverArt({ id: album.coverArt, size: 64 });
assert.match(picture.headers.get("content-type"), /^image\//);
await picture.arrayBuffer();

// Play a song to its end, skip one, and submit one.
const report = (song, positionMs, state) =>
  ok(api.reportPlayback({ mediaId: song.id, mediaType: "song", positionMs, state }));
await report(second, 0, "starting");
await report(second, second.duration * 1000, "stopped");
await report(first, 0, "starting");
assert.deepEqual((await ok(api.getNowPlaying())).nowPlaying.entry.map(({ id }) => id), [first.id]);
await report(first, 1000, "stopped");
await ok(api.scrobble({ id: third.id, time: Date.now(), submission: true }));

// Like, rate and keep.
await ok(api.star({ id: second.id, albumId: album.id, artistId: artist.id }));
await ok(api.setRating({ id: second.id, rating: 5 }));
const { starred2 } = await ok(api.getStarred2());
assert.deepEqual([starred2.song[0].id, starred2.song[0].userRating, starred2.album[0].id], [second.id, 5, album.id]);
await ok(api.unstar({ id: second.id, albumId: album.id, artistId: artist.id }));
const { playlist } = await ok(api.createPlaylist({ name: "Tonight", songId: [first.id, second.id, first.id] }));
await ok(
  api.updatePlaylist({
    playlistId: playlist.id,
    comment: "For the evening",
    public: true,
    songIdToAdd: [third.id],
    songIndexToRemove: [0],
  }),
);
const { playlist: changed } = await ok(api.getPlaylist({ id: playlist.id }));
assert.deepEqual(changed.entry.map(({ id }) => id), [second.id, first.id, third.id]);
assert.deepEqual([changed.comment, changed.public], ["For the evening", true]);
const { playlists } = await ok(api.getPlaylists());
assert.deepEqual(playlists.playlist.map(({ name }) => name), ["For you", "Daily mix", "New to you", "Tonight"]);
await ok(api.deletePlaylist({ id: playlist.id }));

// The next songs.
const { similarSongs2 } = await ok(api.getSimilarSongs2({ id: second.id, count: 5 }));
assert.ok(similarSongs2.song.length > 0);
assert.ok(!similarSongs2.song.some(({ id }) => id === second.id));
assert.equal((await ok(api.getRandomSongs({ size: 4 }))).randomSongs.song.length, 4);
assert.ok((await ok(api.getTopSongs({ artist: "The Example", count: 3 }))).topSongs.song.length > 0);

console.log(JSON.stringify({ heard: second.id, skipped: first.id, submitted: third.id }));
