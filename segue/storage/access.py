"""A job's rights in MongoDB and Kafka, and its user and password."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, SecretStr, ValidationError

from segue.errors import SegueError
from segue.storage.store import Right

KafkaRight = Literal["read", "write", "keep"]
""""keep": set the retention of records."""


@dataclass(frozen=True)
class MongoAccess:
    """A job's rights in the configured database."""

    rights: Mapping[str, Right]
    """The rights by collection."""
    lists: bool = False
    """Whether the job may list the collections."""


@dataclass(frozen=True, kw_only=True)
class KafkaAccess:
    """A job's rights to the configured topics."""

    plays: tuple[KafkaRight, ...] = ()
    rejected: tuple[KafkaRight, ...] = ()
    groups: tuple[str, ...] = ()
    """Endings of the names of the consumer groups in which the job reads the plays; the topic's name is
    before them."""

    def __bool__(self) -> bool:
        return bool(self.plays or self.rejected)


class Login(BaseModel):
    """A username and a password, from a section of a job's settings file."""

    model_config = ConfigDict(frozen=True, populate_by_name=True)

    username: str = Field(validation_alias=AliasChoices("username", "user"))
    """Release 0.1 wrote `user`."""
    password: SecretStr


def read_login(file: Path, section: Literal["mongo", "kafka"]) -> Login:
    """The username and the password that a job's settings file has for MongoDB or Kafka.

    Raises
    ------
    SegueError
        The file is missing, or the section has no username and password.
    """
    try:
        login = Login.model_validate(_toml(file).get(section, {}))
    except ValidationError:
        raise SegueError(f"{file} has no username and password in its section [{section}]") from None
    if not (login.username and login.password.get_secret_value()):
        raise SegueError(f"{file} has no username and password in its section [{section}]")
    return login


def _toml(file: Path) -> dict[str, object]:
    try:
        return tomllib.loads(file.read_text())
    except OSError as error:
        raise SegueError(f"{file} cannot be read: {error.strerror}") from None
    except tomllib.TOMLDecodeError:
        # The parser's message may contain a password.
        raise SegueError(f"{file} is not TOML") from None
