"""What each job may do in MongoDB and Kafka, as deploy/access.toml says it; and the jobs' passwords."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError

from segue.errors import SegueError
from segue.places import CONF

FILE = CONF / "access.toml"


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class MongoAccess(Part):
    """Names of collections."""

    read: tuple[str, ...] = ()
    write: tuple[str, ...] = ()
    erase: tuple[str, ...] = ()
    index: tuple[str, ...] = ()
    list: bool = False


class KafkaAccess(Part):
    plays: tuple[Literal["read", "write", "keep"], ...] = ()
    rejected: tuple[Literal["read", "write", "keep"], ...] = ()
    transactions: bool = False


class Access(Part):
    """Of one job."""

    mongo: MongoAccess
    kafka: KafkaAccess = KafkaAccess()


class Login(BaseModel):
    """A user and a password, from a section of a job's settings file."""

    model_config = ConfigDict(frozen=True)

    user: str
    password: SecretStr


def read_access(file: Path = FILE) -> dict[str, Access]:
    """Each job's access, by its name.

    Raises
    ------
    SegueError
        The file says something that is not known.
    """
    try:
        return {job: Access.model_validate(one) for job, one in _toml(file).items()}
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise SegueError(f"{file}: {place}: {first['msg']}") from None


def read_login(file: Path, section: Literal["mongo", "kafka"]) -> Login:
    """The user and the password that a job's settings file has for MongoDB or Kafka.

    Raises
    ------
    SegueError
        There is no such file, or it has no user and password there.
    """
    try:
        login = Login.model_validate(_toml(file).get(section, {}))
    except ValidationError:
        raise SegueError(f"{file} has no user and password in its section [{section}]") from None
    if not (login.user and login.password.get_secret_value()):
        raise SegueError(f"{file} has no user and password in its section [{section}]")
    return login


def _toml(file: Path) -> dict[str, dict[str, object]]:
    try:
        return tomllib.loads(file.read_text())
    except OSError as error:
        raise SegueError(f"{file} cannot be read: {error.strerror}") from None
    except tomllib.TOMLDecodeError:
        # Its text may have a password in it.
        raise SegueError(f"{file} is not TOML") from None
