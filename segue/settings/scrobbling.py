"""Settings of the scrobbles to other services."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field, SecretStr

from segue.settings.values import Section

_ADDRESS = r"^https?://[^\s/?#@]+(/[^\s?#]*)?$"


class ScrobblingSettings(Section):
    takes_effect: ClassVar[str] = "restart the dashboard and the API"

    listenbrainz_addresses: tuple[Annotated[str, Field(pattern=_ADDRESS)], ...]
    lastfm_address: str = Field(pattern=_ADDRESS)
    lastfm_page: str = Field(pattern=_ADDRESS)
    lastfm_key: str
    lastfm_secret: SecretStr
