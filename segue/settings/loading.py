"""Loads all settings: conf/default.toml, the user's file (SEGUE_CONF), SEGUE_<SECTION>__<KEY> variables.

An entry point loads them once and passes them down; the domain does not read the environment.
"""

from __future__ import annotations

import json
import os
import tomllib
from pathlib import Path
from tomllib import TOMLDecodeError
from typing import Any, get_origin

from pydantic import BaseModel, ValidationError, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from segue.errors import SegueError
from segue.places import CONF
from segue.renamed_settings import with_kept_meaning, with_new_names
from segue.settings.api import ApiSettings
from segue.settings.connections import KafkaSettings, MongoSettings
from segue.settings.imports import ImportSettings
from segue.settings.library import (
    AudioSettings,
    EmbeddingSettings,
    IndexSettings,
    LibrarySettings,
    ModelSettings,
)
from segue.settings.mail import MailSettings
from segue.settings.opensubsonic import OpenSubsonicSettings
from segue.settings.operating import LogSettings, TracingSettings
from segue.settings.ranking import (
    ExperimentSettings,
    MemorySettings,
    MoodSettings,
    PlaylistSettings,
    RankingSettings,
    SignalSettings,
    TasteSettings,
)
from segue.settings.scrobbling import ScrobblingSettings
from segue.settings.servers import ServerSettings
from segue.settings.streaming import EngagementSettings, RetentionSettings, SparkSettings, StreamSettings
from segue.settings.surface import DashboardSettings
from segue.settings.transcoding import TranscodingSettings
from segue.settings.wording import reason


def read_toml(file: Path) -> dict[str, Any]:
    """The tables of a settings file, with the names in the file."""
    return tomllib.loads(file.read_text())


class _Files(TomlConfigSettingsSource):
    """TOML files; they may use former names of settings."""

    def _read_file(self, file_path: Any) -> dict[str, Any]:
        source = str(file_path)
        return with_kept_meaning(with_new_names(super()._read_file(file_path), source=source), source=source)


class _Environment(EnvSettingsSource):
    """SEGUE_ variables; they may use former names of settings."""

    def __call__(self) -> dict[str, Any]:
        own = os.environ.get("SEGUE_CONF")
        beside = with_new_names(read_toml(Path(own)), source=own, warn=False) if own else {}
        given = with_new_names(super().__call__(), source="environment")
        return with_kept_meaning(given, source="environment", beside=beside)


class Settings(BaseSettings):
    """All settings of Segue; conf/default.toml has their defaults and descriptions."""

    model_config = SettingsConfigDict(
        env_prefix="SEGUE_", env_nested_delimiter="__", extra="forbid", frozen=True
    )

    logs: LogSettings
    tracing: TracingSettings
    kafka: KafkaSettings
    mongo: MongoSettings
    spark: SparkSettings
    library: LibrarySettings
    audio: AudioSettings
    embedding: EmbeddingSettings
    index: IndexSettings
    stream: StreamSettings
    signals: SignalSettings
    taste: TasteSettings
    memory: MemorySettings
    ranking: RankingSettings
    moods: MoodSettings
    playlists: PlaylistSettings
    models: ModelSettings
    experiments: ExperimentSettings
    engagement: EngagementSettings
    retention: RetentionSettings
    transcoding: TranscodingSettings
    dashboard: DashboardSettings
    mail: MailSettings
    opensubsonic: OpenSubsonicSettings
    servers: ServerSettings
    api: ApiSettings
    scrobbling: ScrobblingSettings
    imports: ImportSettings

    @model_validator(mode="after")
    def _variants_are_known(self) -> Settings:
        own = dict(self.experiments.ranking)
        for name, _ in self.experiments.variants:
            if name not in ("audio", "hybrid", *own):
                raise ValueError(
                    f"experiments.variants: {name} is neither audio, hybrid nor in experiments.ranking"
                )
        for name, changes in own.items():
            if name in ("audio", "hybrid"):
                raise ValueError(
                    f"experiments.ranking: {name} cannot be changed; give the variant another name"
                )
            try:
                RankingSettings.model_validate(self.ranking.model_dump() | dict(changes))
            except ValidationError as error:
                first = error.errors()[0]
                raise ValueError(f"experiments.ranking.{name}.{first['loc'][0]}: {reason(first)}") from None
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        files = [CONF / "default.toml"]
        if own := os.environ.get("SEGUE_CONF"):
            files.append(Path(own))
        return (
            init_settings,
            _Environment(settings_cls),
            _Files(settings_cls, toml_file=files, deep_merge=True),
        )


NOT_SETTINGS = frozenset({"SEGUE_CONF", "SEGUE_HOME", "SEGUE_ROOT"})
"""SEGUE_ variables that name files and folders and are not settings."""


def load_settings() -> Settings:
    """Read and check all settings.

    Raises
    ------
    SegueError
        A value is invalid, or a key or a SEGUE_ variable is not a setting; the message names it.
    """
    own = os.environ.get("SEGUE_CONF")
    if own and not Path(own).is_file():
        raise SegueError(f"the file {own} does not exist: correct SEGUE_CONF or --config")
    for name in os.environ:
        if name.startswith("SEGUE_") and name not in NOT_SETTINGS:
            section = name.removeprefix("SEGUE_").partition("__")[0].lower()
            if section not in Settings.model_fields:
                raise SegueError(f"{name} is not a setting: {_LIST}")
    try:
        return Settings()  # type: ignore[call-arg]  # the sources give every field
    except ValidationError as error:
        first = error.errors()[0]
        message = reason(first)
        # The message of a rule over several sections already names the setting.
        which = f"setting {_wrong(first)}: " if first["loc"] else ""
        raise SegueError(f"{which}{message}; {_help(first)}") from None
    except SettingsError as error:
        raise SegueError(_not_json() or f"{error}: {_LIST}") from None
    except TOMLDecodeError as error:
        raise SegueError(f"{own or 'conf/default.toml'} is not TOML: {error}") from None
    except UnicodeDecodeError:
        raise SegueError(f"{own or 'conf/default.toml'} cannot be read: it is not UTF-8") from None
    except PermissionError as error:
        raise SegueError(f"{own} cannot be read: {error.strerror}") from None


_LIST = "./run.sh settings show lists all settings"


def _help(error: ErrorDetails) -> str:
    """The command that describes the setting, or lists all if there is no such setting."""
    names = [part for part in error["loc"] if isinstance(part, str)]
    if not names or error["type"] == "extra_forbidden":
        return _LIST
    return f"./run.sh settings explain {'.'.join(names)} describes it"


def _not_json() -> str:
    """The error for the first variable of a list, a table or a section whose text is not JSON."""
    for name, text in os.environ.items():
        path = name.upper().removeprefix("SEGUE_").lower().split("__")
        if not name.upper().startswith("SEGUE_") or not _is_composed(path):
            continue
        try:
            json.loads(text)
        except ValueError:
            return f'{name} is not JSON: write a list as \'["a", "b"]\' and a table as \'{{"a": 1}}\''
    return ""


def _is_composed(path: list[str]) -> bool:
    """Whether a setting, or a former setting, is a list, a table or a section."""
    current: Any = Settings
    for part in path:
        if not (isinstance(current, type) and issubclass(current, BaseModel)):
            return False
        field = current.model_fields.get(part)
        if field is None:
            return False
        current = field.annotation
    return get_origin(current) is tuple or (isinstance(current, type) and issubclass(current, BaseModel))


_MAY_HOLD_SECRETS = frozenset({"password", "uri"})


def _wrong(error: ErrorDetails) -> str:
    """The setting's name and value; only the name if the value may contain a secret.

    Besides secret fields, a whole section or an unknown name may contain a secret.
    """
    place = ".".join(str(part) for part in error["loc"])
    secret = place.rpartition(".")[2] in _MAY_HOLD_SECRETS
    if secret or error["type"] == "extra_forbidden" or isinstance(error["input"], dict):
        return place
    return f"{place} = {error['input']!r}"
