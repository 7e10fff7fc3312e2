"""The bodies of requests and responses, as schemas for the API's description."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, RootModel

from segue.dashboard.api import player, playlists, shared
from segue.dashboard.api.queue import MOST_SHOWN
from segue.dashboard.queries.attributed import IN_THE_ID
from segue.playlists.rules import MOST_RULES, MOST_SONGS
from segue.playlists.rules import Field as RuleField
from segue.playlists.rules import Order as RuleOrder
from segue.plays.event import FIELDS, SOURCES
from segue.plays.event_schema import object_of
from segue.privacy.leaving import CONFIRMATION
from segue.social.links import KINDS

_SENT = object_of(tuple(field for field in FIELDS if field.name not in (*player.FROM_SESSION, *IN_THE_ID)))
"""A play as a player sends it: without the fields that the server fills in from the session."""


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Empty(_Body):
    """An empty object: the request succeeded."""


class PlaylistVersion(_Body):
    version: int = Field(description="The version of the playlist now; later versions have higher numbers.")


class Error(BaseModel):
    """The cause, as a message to the listener."""

    model_config = ConfigDict(extra="allow")
    error: str


class FileError(Error):
    reason: str
    """`not-ready`, or the reason for which the audio reader refused the file."""


class Attribution(_Body):
    """The recommendation that an item came from; send it back unchanged with the item's plays. Its id is
    signed for the listener and the track."""

    id: str
    rank: int = Field(ge=1)
    model: str


class Item(_Body):
    """A track. Unknown fields are left out."""

    id: str
    title: str
    artist: str
    album: str | None = None
    genre: str | None = None
    cover: str | None = Field(None, description="Id for /api/covers/{cover_id}.")
    duration: int | None = Field(None, description="Milliseconds.")
    source: str
    why: str | None = None
    score: float | None = None
    note: str | None = None
    tone: str | None = None
    number: str | None = Field(None, description="Its number on the album.")
    rec: Attribution | None = None


class Items(_Body):
    items: list[Item]


class FoundArtist(_Body):
    name: str
    cover: str | None = Field(description="Id for /api/covers/{cover_id}.")


class FoundAlbum(_Body):
    id: str
    name: str
    artist: str
    year: int | None
    cover: str | None = Field(description="Id for /api/covers/{cover_id}.")


class FoundPlaylist(_Body):
    id: str
    name: str
    tracks: int = Field(ge=0, description="Number of tracks.")


class Found(_Body):
    songs: list[Item]
    total: int = Field(ge=0, description="The number of all songs that match.")
    artists: list[FoundArtist]
    albums: list[FoundAlbum]
    playlists: list[FoundPlaylist] = Field(description="The listener's own.")


class LibraryEntry(_Body):
    """An album, an artist, a playlist or a genre."""

    id: str
    name: str
    href: str = Field(description="The address of its page.")
    note: str
    icon: str
    cover: str | None = Field(description="Id of its cover.")


class LibraryPage(_Body):
    items: list[Item | LibraryEntry]
    more: bool = Field(description="Whether other entries follow.")


class Form(_Body):
    """A form to which a recording is converted."""

    format: str
    type: str = Field(description="Media type with the codec, for `canPlayType`.")
    url: str


class Gain(_Body):
    """Corrections of the loudness to -18 LUFS, from the tags or measured. Unknown members are left out."""

    track_gain: float | None = Field(None, description="Decibels, also for an album without a gain.")
    track_peak: float | None = Field(None, description="True peak, a share of full scale: to avoid clipping.")
    album_gain: float | None = Field(None, description="Decibels: all tracks of the album change alike.")
    album_peak: float | None = Field(None, description="Largest peak of the album.")
    base_gain: float | None = Field(None, description="Decibels that every Opus decoder has applied already.")


class Ticket(_Body):
    """The addresses of a track's recording, for this session only, and its loudness."""

    url: str = Field(description="The file itself.")
    type: str | None = Field(description="Its media type with the codec; null if no browser plays it.")
    forms: list[Form] = Field(description="Other forms, the preferred one first.")
    gain: Gain
    expires: int = Field(description="Epoch milliseconds.")


class LyricLine(_Body):
    text: str = Field(description="Empty for a pause.")
    start_ms: int | None = Field(
        None, description="Milliseconds from the beginning of the track; only in lyrics with times."
    )


class LyricsVersion(_Body):
    """The lyrics in one language."""

    language: str = Field(description="Code of the language by ISO 639; `und` if it is not known.")
    synced: bool = Field(description="Whether the lines have times; they are in the order of these.")
    lines: list[LyricLine]


class TrackLyrics(_Body):
    versions: list[LyricsVersion]


class Plays(_Body):
    """Plays to send. The server sets `user_id` and `session_id` from the session."""

    sent_at: float = Field(description="Epoch milliseconds, by the player's clock.")
    waiting: int | None = Field(default=None, description="Events in the player's outbox, for the metrics.")
    plays: list[dict[str, Any]] = Field(max_length=player.MOST, json_schema_extra={"items": _SENT})


class Taken(_Body):
    taken: list[str] = Field(description="Ids of the events that Kafka has.")
    refused: dict[str, str] = Field(description="Event id to error message. Do not send these events again.")


class Upcoming(_Body):
    recommendation_id: str | None
    items: list[Item]
    opinions: dict[str, str] = Field(description="Track id to `like` or `dislike`.")


class QueuedItem(BaseModel):
    """A song of a queue to store. Other fields of an item are ignored."""

    id: str = Field(min_length=1, max_length=256)
    key: str = Field(
        min_length=1, max_length=256, description="The player's name for this place in the queue."
    )
    source: str = Field(json_schema_extra={"enum": list(SOURCES)})
    queued: bool = Field(False, description="Whether the listener added it to the queue.")
    rec: Attribution | None = None


class NewQueue(BaseModel):
    version: int = Field(ge=0, description="The version that the player has read; 0 if none is stored.")
    player: str = Field(min_length=1, max_length=256, description="The tab or app that stores the queue.")
    at: int = Field(ge=0, description="Place of the present song, from 0.")
    position: int = Field(ge=0, description="Position in the present song in milliseconds.")
    items: list[QueuedItem] | None = Field(
        None, max_length=MOST_SHOWN, description="Without them, the songs stay as they are stored."
    )


class QueueVersion(_Body):
    version: int = Field(ge=1)


class StoredItem(Item):
    key: str
    queued: bool


class Queue(_Body):
    player: str
    at: int = Field(ge=0)
    position: int = Field(ge=0)
    changed_at: int = Field(description="Epoch milliseconds.")
    version: int = Field(ge=0, description="0 if none is stored.")
    items: list[StoredItem]


class PlaylistName(_Body):
    id: str
    name: str
    tracks: int = Field(ge=0, description="Number of tracks.")
    by_rules: bool = Field(description="Whether rules choose its tracks, so that none can be added.")


class PlaylistRule(BaseModel):
    field: RuleField
    operator: str = Field(description="`is`, `is not`, `at least`, `at most`, `within`, or `not within`.")
    value: str | int


class PlaylistRules(BaseModel):
    """The rules of a playlist that updates itself."""

    every: bool = Field(description="Whether a track must fit every rule, or one of them.")
    rules: list[PlaylistRule] = Field(min_length=1, max_length=MOST_RULES)
    order: RuleOrder
    most: int = Field(ge=1, le=MOST_SONGS)


class PlaylistNames(RootModel[list[PlaylistName]]):
    pass


class NewPlaylist(BaseModel):
    name: str
    tracks: list[str] = Field([], max_length=playlists.MOST)
    rules: PlaylistRules | None = Field(None, description="Instead of tracks.")


class PlaylistFacts(BaseModel):
    """At least one of the facts."""

    name: str | None = None
    comment: str | None = None
    folder: str | None = None
    cover: str | None = Field(None, description="Id of the cover of a song; empty for none.")
    rules: PlaylistRules | None = None


class PlacedTrack(BaseModel):
    place: int = Field(description="Its place in the playlist, from 0.")
    track: str


class Arrangement(BaseModel):
    tracks: list[PlacedTrack] = Field(min_length=1)
    to: int | None = Field(None, description="Their first place in the list without them; null removes them.")


class PlaylistCover(_Body):
    cover: str | None = Field(description="The address of its own picture, or the id of a cover.")


class Tracks(BaseModel):
    tracks: list[str] = Field([], max_length=playlists.MOST)


class Credentials(BaseModel):
    name: str
    password: str


class PasswordChange(BaseModel):
    password: str
    new_password: str


class ForgottenPassword(BaseModel):
    name: str = Field(description="The name of the account.")


class PasswordReset(BaseModel):
    token: str = Field(description="The part of the link after its #.")
    new_password: str


class MailAddress(BaseModel):
    address: str = Field(description="Empty: remove the address.")
    password: str


class MailToken(BaseModel):
    token: str = Field(description="The part of the link after its #.")


class Code(BaseModel):
    code: str


class NewLink(BaseModel):
    """A track, playlist or month to share."""

    kind: str = Field(json_schema_extra={"enum": list(KINDS)})
    key: str = Field(min_length=1, max_length=200)
    title: str = Field(min_length=1, max_length=200)
    playable: bool = False
    days: int | None = Field(None, gt=0, le=shared.LONGEST_DAYS, description="Null: does not expire.")


class Address(_Body):
    url: str


class Place(_Body):
    taste: tuple[float, float] | None = Field(description="Coordinates of the listener's taste on the map.")
    row: int | None = Field(description="Row of the track in the map.")


class Confirmation(BaseModel):
    confirm: str = Field(json_schema_extra={"const": CONFIRMATION})
    password: str | None = Field(None, description="The password of the account, if the listener has one.")


class Removed(_Body):
    removed: dict[str, int] = Field(description="Documents removed, by collection.")
