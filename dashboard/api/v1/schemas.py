"""The bodies of requests and responses of the API for developers."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from segue.dashboard.api.v1.accepted import DEFAULTS, FROM_KEY, MOST
from segue.dashboard.queries.attributed import IN_THE_ID
from segue.plays.event import FIELDS
from segue.plays.event_schema import object_of

_PLAY = object_of(tuple(field for field in FIELDS if field.name not in (*FROM_KEY, *IN_THE_ID)))
_EVENT = _PLAY | {"required": [name for name in _PLAY["required"] if name not in DEFAULTS]}


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Problem(BaseModel):
    """Problem details by RFC 9457."""

    model_config = ConfigDict(extra="forbid")
    type: str
    title: str
    status: int
    detail: str = Field(description="The cause, for the developer of the program.")


class Caller(_Body):
    """The listener and the rights of the key."""

    user_id: str
    name: str
    label: str = Field(description="The name of the program.")
    scopes: list[str]
    requests_per_minute: int


class Track(_Body):
    id: str
    title: str
    artist: str
    album: str | None
    genre: str | None
    duration_ms: int | None


class Attribution(_Body):
    """The recommendation that a track came from. Send its fields unchanged with the events of the track: the
    id is signed for the listener and the track."""

    recommendation_id: str
    rank: int = Field(ge=1)
    model: str


class Lift(_Body):
    evidence: str = Field(description="Its name in the table of docs/explanation/recommender.md.")
    amount: float = Field(description="What it adds to the score in the learned order.")


class Recommended(Track):
    reason: str | None = Field(description="Why it is recommended, in words.")
    score: float | None = Field(description="Its similarity to the track that the reason names.")
    lifted_by: list[Lift] = Field(
        description="With a learned order, the evidence that lifted it most, the most first."
    )
    attribution: Attribution | None


class Plan(_Body):
    """A listener's next tracks, the next one first."""

    recommendation_id: str
    served: Literal["taste", "cold-start"] = Field(description="`cold-start`: nothing is known yet.")
    reflects_at: int = Field(description="Time of the newest play that they reflect, epoch milliseconds.")
    tracks: list[Recommended]


class Tracks(_Body):
    tracks: list[Track]


class SimilarTrack(Track):
    similarity: float = Field(description="Cosine of the sound of both tracks.")


class SimilarTracks(_Body):
    tracks: list[SimilarTrack]


class FoundAlbum(_Body):
    id: str
    name: str
    artist: str
    year: int | None


class Found(_Body):
    tracks: list[Track]
    total: int = Field(ge=0, description="The number of all tracks that match.")
    artists: list[str]
    albums: list[FoundAlbum]


class Events(_Body):
    """Events of the listener's playback. The listener and the session come from the key."""

    events: list[dict[str, Any]] = Field(min_length=1, max_length=MOST, json_schema_extra={"items": _EVENT})


class Result(_Body):
    """The result for one event."""

    event_id: str | None = Field(description="As it was sent; null if it was missing.")
    status: Literal["accepted", "refused", "pending"] = Field(
        description="`accepted`: Kafka has it. `refused`: it is wrong, do not send it again. `pending`: "
        "another request is sending it, send it again later."
    )
    reason: str | None = Field(description="Why it was refused.")


class Results(_Body):
    results: list[Result] = Field(description="In the order of the events.")
