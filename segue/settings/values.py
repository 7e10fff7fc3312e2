"""The types of settings: durations, sizes, files and folders, switches, tables."""

from __future__ import annotations

import ipaddress
import logging
import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, ClassVar, Literal, Self, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationInfo,
    field_validator,
)
from pydantic_core import PydanticKnownError

from segue.places import absolute

log = logging.getLogger(__name__)

_DURATION = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(millisecond|second|minute|hour|day|week)s?\s*")
_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(?:([kmgt]?)b?|([kmgt])ib)\s*", re.IGNORECASE)
_UNITS = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}
_LARGEST_NUMBER = 2**31 - 1
"""The largest int of Java and of MongoDB's options."""
_LARGEST_SIZE = 2**50
_LONGEST = timedelta(days=36_525)
"""A century: the clock minus any duration is a date."""
LONGEST_EXPIRY = timedelta(days=24_855)
"""The longest time after which MongoDB removes documents: its option has 31 bits of seconds."""


@dataclass(frozen=True)
class Unit:
    """The unit of a number, as metadata of a field."""

    name: str


@dataclass(frozen=True)
class TakesEffect:
    """When a changed value takes effect, as metadata of a field that differs from its section."""

    when: str


class Section(BaseModel):
    """A table of the settings file. It cannot be changed, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    takes_effect: ClassVar[str] = ""
    """When a changed value takes effect: which process to restart, or which command to run."""
    stored_names: ClassVar[Mapping[str, str]] = {}
    """The name of a field in fingerprints and stored documents, if it is that of an earlier release."""

    @field_validator("*", mode="before")
    @classmethod
    def _no_switch_as_number(cls, value: object, info: ValidationInfo) -> object:
        """Reject true and false for a number: Python reads them as 1 and 0."""
        if isinstance(value, bool) and cls.model_fields[info.field_name or ""].annotation in (int, float):
            raise ValueError(f"it must be a number, not {str(value).lower()}")
        return value

    @field_validator("*", mode="after")
    @classmethod
    def _fits_an_int(cls, value: object, info: ValidationInfo) -> object:
        if cls.model_fields[info.field_name or ""].annotation is int and isinstance(value, int):
            largest = _LARGEST_SIZE if _is_size(cls, info.field_name) else _LARGEST_NUMBER
            if value > largest:
                raise ValueError(f"it must be at most {largest}")
        return value

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy with other values; they are not validated, but a key must be a field.

        Raises
        ------
        KeyError
            A key is not a field of the section.
        """
        if unknown := set(update or ()) - set(type(self).model_fields):
            raise KeyError(f"{type(self).__name__} has no {', '.join(sorted(unknown))}")
        return super().model_copy(update=update, deep=deep)

    @classmethod
    def choices(cls, key: str) -> tuple[str, ...]:
        """The allowed values of a text field with a fixed set of names; empty for other fields."""
        return ()

    def stored(self) -> dict[str, Any]:
        """The fields in order, as plain values with their stored names; durations are in seconds."""
        return {self.stored_names.get(name, name): _plain(value) for name, value in self}

    @classmethod
    def from_stored(cls, values: Mapping[str, Any]) -> Self:
        """The inverse of :meth:`stored`, for sections without durations."""
        names = {stored: name for name, stored in cls.stored_names.items()}
        return cls.model_validate({names.get(name, name): value for name, value in values.items()})


def _plain(value: object) -> object:
    return value.total_seconds() if isinstance(value, timedelta) else value


def _is_size(section: type[BaseModel], name: str | None) -> bool:
    metadata = section.model_fields[name or ""].metadata
    return any(getattr(each, "func", None) is size_text for each in metadata)


def _duration(value: object) -> object:
    if isinstance(value, timedelta):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        # Release 0.1 accepted it.
        log.warning('a duration without a unit is read as seconds: write "%s seconds"', value)
        value = f"{value} seconds"
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError('a duration is a number and a unit in quotes, such as "30 minutes" or "7 days"')
    try:
        return timedelta(**{f"{match[2]}s": float(match[1])})
    except OverflowError:
        raise ValueError(_TOO_LONG) from None


def _not_too_long(value: timedelta) -> timedelta:
    if value > _LONGEST:
        raise ValueError(_TOO_LONG)
    return value


_TOO_LONG = f"it must be at most {_LONGEST.days} days"


def duration_text(value: timedelta) -> str:
    """A duration in the notation of the settings file, in the largest unit that gives a whole number."""
    for unit in ("day", "hour", "minute", "second"):
        number, rest = divmod(value, timedelta(**{f"{unit}s": 1}))
        if number and not rest:
            return f"{number} {unit}{'s' if number != 1 else ''}"
    if not value:
        return "0 seconds"
    whole, part = divmod(value // timedelta(microseconds=1), 1000)
    amount = f"{whole}{f'.{part:03}'.rstrip('0') if part else ''}"
    return f"{amount} millisecond{'s' if amount != '1' else ''}"


def milliseconds(duration: timedelta) -> int:
    """A duration in whole milliseconds, for the clients of servers."""
    return round(duration / timedelta(milliseconds=1))


def _size(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    match = _SIZE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError('a size is a number and a unit in quotes, such as "64 KiB" or "2 GiB"')
    return int(float(match[1]) * _UNITS[(match[2] or match[3] or "").lower()])


def size_text(value: int) -> str:
    """A size in the notation of the settings file, in the largest unit that gives a whole number."""
    for unit, bytes_ in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if value and value % bytes_ == 0:
            return f"{value // bytes_} {unit}"
    return f"{value} B"


def _optional_path(value: object) -> object:
    return _path(value) if value else value


def _path(value: object) -> object:
    if value == "":
        raise ValueError("it must not be empty")
    if isinstance(value, str) and "://" not in value:
        return str(absolute(value))
    return value


def _network(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return str(ipaddress.ip_network(value, strict=False) if "/" in value else ipaddress.ip_address(value))
    except ValueError:
        raise ValueError(
            f'{value!r} is not an address such as "10.0.0.7" or network such as "10.0.0.0/8"'
        ) from None


def _pem(value: object) -> object:
    if not isinstance(value, str) or not value:
        return value
    file = absolute(value)
    if not file.is_file() or not os.access(file, os.R_OK):
        raise ValueError(f"the file {file} does not exist or this user cannot read it")
    return str(file)


def matching(pattern: str, otherwise: str) -> AfterValidator:
    """Reject a text that the pattern does not match as a whole; `otherwise` is the error."""

    def check(value: str) -> str:
        if re.fullmatch(pattern, value) is None:
            raise ValueError(otherwise)
        return value

    return AfterValidator(check)


def _pairs(value: object) -> object:
    return tuple(value.items()) if isinstance(value, dict) else value


def _lists(value: object) -> object:
    """A table of lists as pairs; a text in the place of a list is its only value."""
    if not isinstance(value, dict):
        return value
    return tuple((name, (one,) if isinstance(one, str) else one) for name, one in value.items())


def _dotted(value: object) -> object:
    """Flatten nested tables to pairs: TOML reads an unquoted spark.executor.memory as three tables."""
    return tuple(_leaves(value, "")) if isinstance(value, dict) else value


def _leaves(table: dict[str, object], prefix: str) -> list[tuple[str, object]]:
    found: list[tuple[str, object]] = []
    for key, value in table.items():
        if isinstance(value, dict):
            found += _leaves(value, f"{prefix}{key}.")
        else:
            if not f"{prefix}{key}".startswith("spark."):
                raise ValueError(f"{prefix}{key} is not a property of Spark, such as spark.executor.memory")
            if not isinstance(value, str | int | float):
                raise ValueError(f"{prefix}{key} must be a text, a number, true or false")
            # Spark accepts text only, with Java's notation of Booleans.
            found.append((f"{prefix}{key}", str(value).lower() if isinstance(value, bool) else str(value)))
    return found


Duration = Annotated[
    timedelta,
    BeforeValidator(_duration),
    AfterValidator(_not_too_long),
    PlainSerializer(duration_text, when_used="json"),
]
"""A duration of at most a century; in a file a number and a unit, such as "30 minutes"."""
Size = Annotated[int, BeforeValidator(_size), PlainSerializer(size_text, when_used="json")]
"""Bytes; in a file a number and a unit, such as "64 KiB". Units are powers of 1024; "2g" is 2 GiB."""
Positive = Annotated[Duration, Field(gt=timedelta(0))]
Expiry = Annotated[Duration, Field(gt=timedelta(0), le=LONGEST_EXPIRY)]
"""The age at which MongoDB removes a document."""
NotNegative = Annotated[Duration, Field(ge=timedelta(0))]
Port = Annotated[int, Field(ge=0, le=65_535)]
Switch = Literal["auto", "on", "off"]
Network = Annotated[str, BeforeValidator(_network)]
"""An address, or a network as an address and the number of its bits."""
LocalPath = Annotated[str, BeforeValidator(_path)]
"""A path; relative to the project's folder. A URL with a scheme stays unchanged."""
OptionalPath = Annotated[str, BeforeValidator(_optional_path)]
"""A path, like LocalPath; empty for none."""
PemFile = Annotated[str, BeforeValidator(_pem)]
"""A readable file; empty for none."""

Variant = Annotated[
    str, matching(r"[a-z0-9-]{1,32}", 'the name of a variant has 1 to 32 of the characters a-z, 0-9 and "-"')
]
"""The name of a variant of an experiment (:mod:`segue.ranking.variants`)."""
Shares = Annotated[tuple[tuple[Variant, Annotated[float, Field(gt=0)]], ...], BeforeValidator(_pairs)]
"""Variants with their shares, in the order of the settings."""
Order = Literal["sum", "learned"]
"""The way in which candidates are ordered (`ranking.model`)."""


def _number_or_order(value: object) -> float | str:
    if isinstance(value, str) and value in get_args(Order):
        return value
    if not isinstance(value, str | int | float):
        raise PydanticKnownError("float_type")
    try:
        return float(value)
    except ValueError:
        raise PydanticKnownError("float_parsing") from None


Change = Annotated[float | str, BeforeValidator(_number_or_order)]
"""A changed value of `[ranking]`: a number, or an :data:`Order`."""
Changes = Annotated[
    tuple[tuple[Variant, Annotated[tuple[tuple[str, Change], ...], BeforeValidator(_pairs)]], ...],
    BeforeValidator(_pairs),
]
"""The changed settings by variant. Pairs, since settings are compared and hashed."""
LibraryName = Annotated[str, Field(min_length=1)]
Folders = Annotated[
    tuple[tuple[LibraryName, Annotated[tuple[LocalPath, ...], Field(min_length=1)]], ...],
    BeforeValidator(_lists),
]
"""Folders of music by the name of their library."""
Audiences = Annotated[tuple[tuple[LibraryName, tuple[str, ...]], ...], BeforeValidator(_lists)]
"""Names of accounts by the name of a library."""
SparkConf = Annotated[tuple[tuple[str, str], ...], BeforeValidator(_dotted)]
"""Spark properties with their values."""
