"""Every route of the API as data: parameters, bodies and responses (:mod:`segue.dashboard.api.openapi`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel

from segue.dashboard.api import schemas as s
from segue.dashboard.queries import library

Media = str
"""A media type, for a body that is not JSON."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A response with one status code."""

    text: str
    body: type[BaseModel] | Media | None = None
    media: Media = "application/json"
    """The media type of a body that is a model."""


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """A parameter in the query, or in a header."""

    name: str
    text: str
    required: bool = False
    place: Literal["query", "header"] = "query"
    schema: Mapping[str, Any] = field(default_factory=lambda: {"type": "string"})
    """JSON Schema of the value."""


@dataclass(frozen=True)
class Operation:
    """A method of a route, with all its responses by status code."""

    method: Literal["GET", "POST", "PUT", "DELETE"]
    path: str
    summary: str
    answers: Mapping[int, Answer]
    session: bool = True
    """Whether it needs a session cookie."""
    body: type[BaseModel] | Media | None = None
    query: tuple[Parameter, ...] = ()
    tag: str = field(default="")

    @property
    def database(self) -> bool:
        """Whether it needs MongoDB."""
        return self.tag not in ("app", "description")

    @property
    def changes(self) -> bool:
        """Whether requests from other sites are refused."""
        return self.method != "GET" or self.path == "/api/me/export"


def _ok(text: str, body: type[BaseModel] | Media | None = None) -> dict[int, Answer]:
    return {200: Answer(text=text, body=body)}


def _fault(status: int, text: str, body: type[BaseModel] | Media = "text/plain") -> dict[int, Answer]:
    return {status: Answer(text=text, body=body)}


_SLOW = _fault(408, "The body came too slowly.")
_MALFORMED = (
    _fault(400, "The body does not have the required form.") | _SLOW | _fault(413, "The body is too large.")
)
_NOT_READY = _fault(503, "There is no index yet.")
_LATER = _fault(503, "A server does not answer; try again.", s.Error)
_ENTERED = _ok("The answer sets the cookie of a new session.", s.Empty)
_GUESSES = _fault(503, "Many people are logging in; try again.", s.Error) | _fault(
    429, "Too many attempts; `Retry-After` gives the seconds to wait.", s.Error
)
_NOT_ACCEPTED = _fault(422, "The values are not accepted.", s.Error)
_NO_PLAYLIST = _fault(404, "The listener has no such playlist.")
_CHANGED = _fault(409, "Another player has changed the queue; this is the stored one.", s.Queue)
_UNFIT = _fault(422, "The name or a track is not accepted.")

OPERATIONS = (
    Operation(
        "POST",
        "/api/events",
        "Send plays; Kafka has the events in `taken`",
        _ok("Events that were delivered or refused. Send all others again.", s.Taken)
        | _MALFORMED
        | _LATER
        | _fault(429, "Other requests of this listener wait for Kafka."),
        body=s.Plays,
        tag="player",
    ),
    Operation(
        "GET",
        "/api/upcoming",
        "The listener's next tracks, and likes and dislikes",
        _ok("The current list.", s.Upcoming),
        tag="player",
    ),
    Operation(
        "GET",
        "/api/tickets/{track_id}",
        "The address of a track's recording",
        _ok("An address for this session, valid for six hours.", s.Ticket),
        tag="player",
    ),
    Operation(
        "GET",
        "/api/audio/{track_id}",
        "A track's recording, unchanged or converted; files and finished conversions support byte ranges",
        _ok("The recording.", "audio/*")
        | _fault(403, "The address has expired or belongs to another session.")
        | _fault(404, "There is no such recording on this machine.")
        | _fault(422, "A parameter is wrong, or the recording cannot be converted.", s.Error)
        | _fault(503, "Too many recordings are being converted: try again after `Retry-After`."),
        query=(
            Parameter(name="t", text="The ticket, as /api/tickets gives it.", required=True),
            Parameter(name="format", text="`raw`, or one of the setting `transcoding.formats`."),
            Parameter(
                name="max_bit_rate",
                text="Largest bit rate in kbit/s: a file with a larger one is converted. 0: no limit.",
            ),
            Parameter(name="start", text="Seconds from which a conversion starts."),
        ),
        tag="player",
    ),
    Operation(
        "GET",
        "/api/covers/{cover_id}",
        "A cover picture; it never changes under its id",
        _ok("The picture.", "image/*") | {404: Answer(text="There is no such cover.")},
        session=False,
        tag="player",
    ),
    Operation(
        "GET",
        "/api/tracks/{track_id}/lyrics",
        "The lyrics of a track",
        _ok("The lyrics, those with times first; an empty list for a track without any.", s.TrackLyrics)
        | _fault(404, "There is no such track."),
        tag="player",
    ),
    Operation(
        "GET",
        "/api/radio/{track_id}",
        "The next tracks of a radio that began with a track",
        _ok("The tracks.", s.Items) | _fault(404, "The track is not in the index.") | _NOT_READY,
        query=(Parameter(name="after", text="Ids of the tracks so far, separated by commas."),),
        tag="finding",
    ),
    Operation(
        "POST",
        "/api/similar",
        "The tracks that sound most like a file",
        _ok("The tracks, most similar first.", s.Items)
        | _fault(400, "The upload broke off.")
        | _SLOW
        | _fault(413, "The file is larger than 100 MB.")
        | _fault(422, "The file cannot be used.", s.FileError)
        | _fault(429, "Other files from this address are being compared.", s.Error)
        | _fault(503, "Other files are being compared, or there is no index yet.", s.Error),
        body="application/octet-stream",
        tag="finding",
    ),
    Operation(
        "GET",
        "/api/search",
        "Songs, artists, albums and playlists whose names match some words; typos are tolerated",
        _ok("The matches, best first.", s.Found) | _fault(400, "A parameter is not accepted."),
        query=(
            Parameter(name="q", text="The words, at most 200 characters."),
            Parameter(name="songs", text="The most songs of the response; 50 by default, at most 1000."),
        ),
        tag="finding",
    ),
    Operation(
        "GET",
        "/api/map",
        "The points of the map, packed; `ETag` is the index version",
        _ok("The points.", "application/octet-stream")
        | {304: Answer(text="`If-None-Match` names the current version.")}
        | _NOT_READY,
        tag="finding",
    ),
    Operation(
        "GET",
        "/api/map/here",
        "The listener's place on the map, and a track's row",
        _ok("The place.", s.Place) | _NOT_READY,
        query=(Parameter(name="track", text="The id of a track."),),
        tag="finding",
    ),
    Operation(
        "GET",
        "/api/map/tracks",
        "The tracks of some points of the map",
        _ok("The tracks.", s.Items)
        | _fault(400, "`rows` is not a list of 1 to 24 numbers.")
        | _fault(409, "There is a newer map; load it again.")
        | _NOT_READY,
        query=(
            Parameter(name="rows", text="1 to 24 rows, separated by commas.", required=True),
            Parameter(name="version", text="The version of the map that has the rows.", required=True),
        ),
        tag="finding",
    ),
    Operation(
        "GET",
        "/api/library",
        "A page of a list of the library",
        _ok("The page.", s.LibraryPage) | _MALFORMED,
        query=(
            Parameter(name="show", text="The list: one of " + ", ".join(library.VIEWS) + "."),
            Parameter(name="by", text="The order; each list has its own, as the page Library names them."),
            Parameter(name="backwards", text="1 for the reversed order."),
            Parameter(name="filter", text="Only entries with these words; typos are tolerated."),
            Parameter(name="genre", text="Only songs of this genre."),
            Parameter(name="after", text="The id of the last entry that is shown already."),
            Parameter(name="shown", text="The number of entries that are shown already."),
            Parameter(name="limit", text=f"The most entries, at most {library.MOST}."),
        ),
        tag="finding",
    ),
    Operation(
        "GET",
        "/api/library/songs",
        "The songs of an album, an artist, a playlist or a genre",
        _ok(f"The songs, at most {library.SONGS}.", s.Items),
        query=(
            Parameter(name="show", text="The list that has it."),
            Parameter(name="id", text="Its id in the list.", required=True),
        ),
        tag="finding",
    ),
    Operation(
        "GET",
        "/api/playlists",
        "The listener's playlists",
        _ok("The playlists.", s.PlaylistNames),
        tag="playlists",
    ),
    Operation(
        "POST",
        "/api/playlists",
        "Create a playlist",
        {201: Answer(text="The playlist.", body=s.PlaylistName)} | _MALFORMED | _UNFIT,
        body=s.NewPlaylist,
        tag="playlists",
    ),
    Operation(
        "POST",
        "/api/playlists/{playlist_id}/tracks",
        "Add tracks to a playlist",
        _ok("The tracks were added.", s.Empty) | _MALFORMED | _NO_PLAYLIST | _UNFIT,
        body=s.Tracks,
        tag="playlists",
    ),
    Operation(
        "PUT",
        "/api/playlists/{playlist_id}",
        "Change a playlist's name, description, folder or cover",
        _ok("It was changed.", s.Empty) | _MALFORMED | _NO_PLAYLIST | _UNFIT,
        body=s.PlaylistFacts,
        tag="playlists",
    ),
    Operation(
        "POST",
        "/api/playlists/{playlist_id}/order",
        "Move tracks of a playlist, or remove them",
        _ok("They were moved or removed.", s.PlaylistVersion)
        | _MALFORMED
        | _NO_PLAYLIST
        | _fault(409, "Other tracks are at these places by now: nothing was changed."),
        body=s.Arrangement,
        tag="playlists",
    ),
    Operation(
        "PUT",
        "/api/playlists/{playlist_id}/picture",
        "Give a playlist a picture of its own",
        _ok("Its cover now.", s.PlaylistCover)
        | _MALFORMED
        | _NO_PLAYLIST
        | _UNFIT
        | _fault(429, "Your other pictures are being received."),
        body="application/octet-stream",
        tag="playlists",
    ),
    Operation(
        "GET",
        "/api/playlists/{playlist_id}/picture",
        "A playlist's own picture",
        _ok("The picture.", "image/jpeg") | _NO_PLAYLIST,
        tag="playlists",
    ),
    Operation(
        "GET",
        "/api/playlists/{playlist_id}/file",
        "A playlist as a file",
        _ok("The file, of the format's media type.", "audio/x-mpegurl")
        | _NO_PLAYLIST
        | _fault(400, "There is no such format."),
        query=(Parameter(name="format", text="m3u8, xspf or jspf; m3u8 by default."),),
        tag="playlists",
    ),
    Operation(
        "GET",
        "/api/queue",
        "The listener's queue, as the last player stored it",
        _ok("The queue; no items if none is stored.", s.Queue),
        tag="player",
    ),
    Operation(
        "PUT",
        "/api/queue",
        "Store the listener's queue",
        _ok("The new version.", s.QueueVersion) | _CHANGED | _MALFORMED,
        body=s.NewQueue,
        tag="player",
    ),
    Operation(
        "POST",
        "/api/queue",
        "Store the listener's queue, for `navigator.sendBeacon`",
        _ok("The new version.", s.QueueVersion) | _CHANGED | _MALFORMED,
        body=s.NewQueue,
        tag="player",
    ),
    Operation(
        "POST",
        "/api/people/sign-up",
        "Create an account; a guest's plays go with it",
        _ENTERED | _MALFORMED | _NOT_ACCEPTED | _GUESSES,
        body=s.Credentials,
        tag="people",
    ),
    Operation(
        "POST",
        "/api/people/log-in",
        "Log in",
        _ENTERED | _MALFORMED | _NOT_ACCEPTED | _GUESSES,
        body=s.Credentials,
        session=False,
        tag="people",
    ),
    Operation(
        "POST",
        "/api/people/hand-over",
        "Finish an OpenID Connect log-in with the code that the page received",
        _ENTERED | _MALFORMED | _NOT_ACCEPTED | _GUESSES,
        body=s.Code,
        tag="people",
    ),
    Operation(
        "POST",
        "/api/people/log-out",
        "Log out; the answer sets the cookie of a guest's session",
        _ENTERED,
        session=False,
        tag="people",
    ),
    Operation(
        "POST",
        "/api/people/log-out-everywhere",
        "End all log-in sessions of the listener; the answer sets the cookie of a guest's session",
        _ENTERED,
        tag="people",
    ),
    Operation(
        "POST",
        "/api/people/change-password",
        "Change the password, and end all other log-in sessions",
        _ENTERED | _MALFORMED | _NOT_ACCEPTED | _GUESSES,
        body=s.PasswordChange,
        tag="people",
    ),
    Operation(
        "POST",
        "/api/people/forgot-password",
        "Send a link for a new password to the confirmed address; the answer is the same without one",
        _ok("The request was counted.", s.Empty) | _MALFORMED | _NOT_ACCEPTED | _GUESSES,
        body=s.ForgottenPassword,
        session=False,
        tag="people",
    ),
    Operation(
        "POST",
        "/api/people/reset-password",
        "Set a new password with a link, and end all log-in sessions",
        _ENTERED | _MALFORMED | _NOT_ACCEPTED | _GUESSES,
        body=s.PasswordReset,
        session=False,
        tag="people",
    ),
    Operation(
        "POST",
        "/api/people/mail-address",
        "Send a link to a new mail address of the account, or remove the present one",
        _ok("The link is on its way, or the address was removed.", s.Empty)
        | _MALFORMED
        | _NOT_ACCEPTED
        | _GUESSES,
        body=s.MailAddress,
        tag="people",
    ),
    Operation(
        "POST",
        "/api/people/confirm-address",
        "Confirm a mail address with a link",
        _ok("The address is confirmed.", s.Empty) | _MALFORMED | _NOT_ACCEPTED | _GUESSES,
        body=s.MailToken,
        session=False,
        tag="people",
    ),
    Operation(
        "GET",
        "/api/me/export",
        "All data stored about the listener",
        _ok("An archive of JSON files.", "application/zip")
        | _LATER
        | _fault(429, "Your last export is being made."),
        tag="people",
    ),
    Operation(
        "POST",
        "/api/me/leave",
        "Remove all data stored about the listener",
        _ok("The number of removed documents by collection.", s.Removed)
        | _MALFORMED
        | _NOT_ACCEPTED
        | _GUESSES
        | _LATER,
        body=s.Confirmation,
        tag="people",
    ),
    Operation(
        "POST",
        "/api/share",
        "Create a share link",
        _ok("The address for others.", s.Address) | _MALFORMED | _NOT_ACCEPTED,
        body=s.NewLink,
        tag="sharing",
    ),
    Operation(
        "DELETE",
        "/api/share/{link_id}",
        "Revoke a share link",
        _ok("The link was revoked.", s.Empty) | _fault(404, "The listener has no such link."),
        tag="sharing",
    ),
    Operation(
        "GET",
        "/s/{token}",
        "The page of a share link",
        _ok("The page.", "text/html")
        | _fault(404, "The link was revoked, has expired, or never existed.", "text/html"),
        session=False,
        tag="sharing",
    ),
    Operation(
        "GET",
        "/s/{token}/picture.png",
        "The preview picture of a share link",
        _ok("The picture.", "image/png")
        | _fault(404, "There is no such picture.")
        | _fault(429, "Other pictures for this network are being drawn; try again.")
        | _fault(503, "Many pictures are being drawn; try again."),
        session=False,
        tag="sharing",
    ),
    Operation(
        "GET",
        "/s/{token}/audio/{track_id}",
        "The recording of a shared track, if the link allows playback",
        _ok("The file.", "audio/*") | _fault(404, "There is no such recording."),
        session=False,
        tag="sharing",
    ),
    Operation(
        "GET",
        "/offline",
        "The page that plays saved songs without a network; the same for all listeners",
        _ok("The page.", "text/html"),
        session=False,
        tag="app",
    ),
    Operation(
        "GET",
        "/service-worker.js",
        "The worker that opens this page without a network",
        _ok("The script.", "text/javascript"),
        session=False,
        tag="app",
    ),
    Operation(
        "GET",
        "/manifest.webmanifest",
        "The manifest with which a browser installs the player",
        _ok("The manifest.", "application/manifest+json"),
        session=False,
        tag="app",
    ),
    Operation(
        "GET",
        "/icons/{name}",
        "An icon of the manifest",
        _ok("The picture.", "image/png") | {404: Answer(text="There is no such icon.")},
        session=False,
        tag="app",
    ),
    Operation(
        "GET",
        "/operator",
        "Make the session an operator's, with a link from `account operator-link`",
        {303: Answer(text="The page Operations; the answer sets the cookie of a new session.", body=None)}
        | _fault(403, "The link was used already or has expired."),
        session=False,
        query=(Parameter(name="code", text="The code of the link."),),
        tag="people",
    ),
    Operation(
        "GET",
        "/api/openapi.json",
        "This description",
        _ok("An OpenAPI 3.1 document.", "application/json"),
        session=False,
        tag="description",
    ),
)
