"""A client of the API for developers.

It imports nothing else of Segue, so that a program needs this package and httpx only.

>>> with Client("https://music.example.org", key) as client:
...     for track in client.recommendations().tracks:
...         print(track.title, track.reason)
"""

from segue.client.answers import (
    Album,
    Attribution,
    Caller,
    Found,
    Plan,
    Recommended,
    Result,
    SimilarTrack,
    Track,
)
from segue.client.calls import Client
from segue.client.errors import ApiError
from segue.client.event import Event, EventType

__all__ = [
    "Album",
    "ApiError",
    "Attribution",
    "Caller",
    "Client",
    "Event",
    "EventType",
    "Found",
    "Plan",
    "Recommended",
    "Result",
    "SimilarTrack",
    "Track",
]
