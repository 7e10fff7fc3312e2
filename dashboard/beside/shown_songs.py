"""The tracks of songs that a connected server shows: as now playing, or with their last plays."""

from __future__ import annotations

from collections.abc import Sequence

from segue.connected.connections import Connections
from segue.connected.known_songs import ConnectedSongs
from segue.connected.matching import shown_tracks
from segue.connected.remote_songs import RemoteSong
from segue.storage.store import Store


class ShownSongs:
    """Finds the tracks of shown songs."""

    def __init__(self, store: Store) -> None:
        self._songs, self._connections = ConnectedSongs(store), Connections(store)

    def tracks(self, connection: str, shown: Sequence[RemoteSong]) -> dict[str, str]:
        """The tracks by the songs' ids there.

        A known id that is shown as another song has none, and the catalogue of the server is read again.
        """
        known = self._songs.known(connection, (song.song_id for song in shown))
        tracks = shown_tracks(shown, known)
        if known.keys() - tracks.keys():
            self._connections.suspect(connection)
        return tracks
