"""Settings of the import of listening histories from other services."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from segue.settings.values import Section, Size


class ImportSettings(Section):
    takes_effect: ClassVar[str] = "with the next import"

    max_size: Size = Field(ge=1)
