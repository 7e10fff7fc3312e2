"""The former names of settings in release 0.1, which a user's file and environment may still use.

To rename a setting, add a line to :data:`RENAMED`; no other code knows former names.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Any

log = logging.getLogger(__name__)

Convert = Callable[[Any], Any]


def _with_unit(unit: str) -> Convert:
    """Add the unit of the former setting to a bare number."""

    def convert(value: Any) -> Any:
        bare = isinstance(value, int | float) or (isinstance(value, str) and _is_number(value))
        return f"{value} {unit}" if bare else value

    return convert


def _is_number(text: str) -> bool:
    return text.strip().replace(".", "", 1).isdigit()


def _table(value: Any) -> Any:
    """Turn a list of key=value into a table; an environment variable has the list as JSON."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except json.JSONDecodeError:
            return value
    if not isinstance(value, list):
        return value
    return {key: text for key, _, text in (str(option).partition("=") for option in value)}


RENAMED: Mapping[str, str | tuple[str, ...]] = {
    "kafka.bootstrap": "kafka.bootstrap_servers",
    "kafka.security": "kafka.security_protocol",
    "kafka.mechanism": "kafka.sasl_mechanism",
    "kafka.user": "kafka.username",
    "kafka.ca_file": "kafka.tls_ca_file",
    "kafka.client_file": "kafka.tls_certificate_key_file",
    "kafka.replication": "kafka.replication_factor",
    "mongo.user": "mongo.username",
    "mongo.ca_file": "mongo.tls_ca_file",
    "mongo.client_file": "mongo.tls_certificate_key_file",
    "mongo.timeout_ms": "mongo.timeout",
    "spark.checkpoint": "spark.checkpoint_location",
    "spark.options": "spark.conf",
    "spark.ship": "spark.package_workers",
    "audio.mfcc": "audio.n_mfcc",
    "audio.fft": "audio.n_fft",
    "audio.hop": "audio.hop_length",
    "audio.max_seconds": "audio.max_duration",
    "audio.min_seconds": "audio.min_duration",
    "audio.threads": "audio.threads_per_worker",
    "audio.time_limit": "audio.decode_timeout",
    "embedding.components": "embedding.audio.n_components",
    "embedding.genre_tracks": "embedding.genres.min_tracks_per_genre",
    "index.trees": "index.annoy.n_trees",
    "index.search_k": ("index.annoy.search_k", "index.voyager.query_ef"),
    "index.keep": "index.keep_versions",
    "index.cold_start": "index.cold_start_size",
    "stream.lateness": "stream.allowed_lateness",
    "stream.future": "stream.max_clock_skew",
    "stream.max_play_bytes": "stream.max_play_size",
    "stream.trigger": "stream.trigger_interval",
    "stream.max_events_per_trigger": "stream.max_offsets_per_trigger",
    "stream.window_signals": "stream.max_signals_per_window",
    "stream.driver_listeners": "stream.max_driver_listeners",
    "stream.rejected_trigger": "stream.rejected_trigger_interval",
    "stream.outage": "stream.mongo_retry_timeout",
    "stream.fetch_max_wait_ms": "stream.fetch_max_wait",
    "stream.progress_hours": "stream.progress_retention",
    "stream.progress_days": "stream.progress_summary_retention",
    "ranking.items": "ranking.list_length",
    "ranking.per_artist": "ranking.max_per_artist",
    "ranking.feedback_plays": "ranking.feedback_min_plays",
    "ranking.feedback_skips": "ranking.feedback_skip_weight",
    "ranking.feedback_likes": "ranking.feedback_like_weight",
    "ranking.session_weight": "ranking.transition_weight",
    "ranking.session_tracks": "ranking.recent_tracks",
    "ranking.session_decay": "ranking.recent_decay",
    "ranking.session_candidates": "ranking.transition_candidates",
    "ranking.exploration": "ranking.exploration_share",
    "moods.strength": "moods.mood_weight",
    "playlists.items": "playlists.list_length",
    "playlists.familiar": "playlists.familiar_share",
    "models.listener_steps": "models.max_steps_per_listener",
    "models.keep": "models.keep_versions",
    "models.reach": "models.rules.max_gap",
    "models.back": "models.rules.backward_weight",
    "models.listener_cap": "models.rules.max_weight_per_listener",
    "models.min_listeners": "models.rules.min_listeners",
    "models.shrink": "models.rules.shrinkage",
    "models.neighbours": "models.rules.rules_per_track",
    "models.factors": "models.als.factors",
    "models.iterations": "models.als.iterations",
    "models.regularisation": "models.als.regularization",
    "models.alpha": "models.als.alpha",
    "models.seed": "models.als.seed",
    "models.sessions.hidden": "models.sessions.hidden_units",
    "models.sessions.batch": "models.sessions.batch_size",
    "models.sessions.negatives": "models.sessions.negative_samples",
    "models.sessions.window": "models.sessions.context_size",
    "models.sessions.cold_share": "models.sessions.id_dropout",
    "models.sessions.noise": "models.sessions.feature_noise",
    "models.sessions.sharpness": "models.sessions.logit_scale",
    "experiments.min_listeners": "experiments.min_listeners_per_variant",
    "engagement.trigger": "engagement.trigger_interval",
    "engagement.window_events": "engagement.max_events_per_window",
    "engagement.feedback_every": "engagement.feedback_interval",
    "engagement.feedback_span": "engagement.feedback_window",
    "dashboard.refresh": "dashboard.refresh_interval",
    "dashboard.open_on_this_machine": "dashboard.local_operator",
    "dashboard.public_url": "dashboard.base_url",
    "dashboard.log_in_file": "dashboard.oidc_config_file",
}
"""The current name of a setting or a section by former name; the parts are joined by dots.

A setting that was split has several current names.
"""

CONVERTED: Mapping[str, Convert] = {
    "mongo.timeout_ms": _with_unit("milliseconds"),
    "spark.options": _table,
    "audio.max_seconds": _with_unit("seconds"),
    "audio.min_seconds": _with_unit("seconds"),
    "audio.time_limit": _with_unit("seconds"),
    "stream.max_play_bytes": _with_unit("B"),
    "stream.fetch_max_wait_ms": _with_unit("milliseconds"),
    "stream.progress_hours": _with_unit("hours"),
    "stream.progress_days": _with_unit("days"),
}
"""The conversion of a value, by the setting's former name."""

_SWITCHES = {
    "mongo.tls": {False: "auto", True: "on", "false": "auto", "true": "on", "0": "auto", "1": "on"},
}
"""The current value for each former value, by the name of a setting that kept its name."""
_VARIANTS = "experiments.ranking"
"""The section whose tables change the section `ranking`, by variant."""


def former_names(name: str) -> list[str]:
    """The names of a setting in release 0.1."""
    return [former for former, new in RENAMED.items() if name in ((new,) if isinstance(new, str) else new)]


def with_new_names(values: Mapping[str, Any], *, source: str, warn: bool = True) -> dict[str, Any]:
    """A source of settings as nested tables, with each former name and value replaced by the current one.

    If a source has both names, the value under the current name is kept. Each replacement logs a warning.

    Parameters
    ----------
    values
        The tables of one source, before they are merged with others.
    source
        The name of the source, for the warning.
    warn
        Whether to log replacements.
    """
    renamed = _copy(values)
    for former, names in _all_renamed(renamed).items():
        section, key = _find(renamed, former)
        if section is None or key not in section:
            continue
        new = (names,) if isinstance(names, str) else names
        if warn:
            log.warning("%s: the setting %s is now %s: rename it", source, former, " and ".join(new))
        value = section.pop(key)
        if convert := CONVERTED.get(former):
            value = convert(value)
        for name in new:
            _put(renamed, name, value)
    _keep_rules_off(values, renamed)
    for name, switch in _SWITCHES.items():
        section, key = _find(renamed, name)
        value = section.get(key) if section else None
        former_value = value.lower() if isinstance(value, str) else value
        if section and isinstance(former_value, bool | str) and former_value in switch:
            section[key] = switch[former_value]
            if warn:
                log.warning(
                    '%s: the setting %s is now "auto", "on" or "off": write "%s"', source, name, section[key]
                )
    return renamed


_OF_THE_SUM = ("transition_weight", "artist_weight", "memory_weight", "recent_decay")
"""Settings of `[ranking]` that matter for the sum of scores only; a weight of 0 switches a source off."""


def with_kept_meaning(
    values: Mapping[str, Any], *, source: str, beside: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """A source of settings in which those of release 0.1 keep their meaning.

    - The weights of the sum, of `[ranking]` or of a variant, keep `ranking.model = "sum"`.
    - `taste.repeat_after` keeps all tracks out that were heard since: `ranking.repeat_share` is 0.
    - `ranking.max_per_artist` holds for all artists: `ranking.staying_per_artist` is the same.

    A setting that is given is never changed.

    Parameters
    ----------
    values
        The tables of one source with current names.
    beside
        Another source in which such a setting may be given.
    """
    kept = _copy(values)
    if not isinstance(kept.get("ranking", {}), dict):
        return kept
    for name, value, because in _former_meaning(values):
        given = [_find(each, name) for each in (values, beside or {})]
        if any(table is not None and key in table for table, key in given):
            continue
        log.info("%s: %s keeps its meaning by %s = %s", source, because, name, value)
        _put(kept, name, value)
    return kept


def _former_meaning(values: Mapping[str, Any]) -> Iterator[tuple[str, Any, str]]:
    """The name and the value of settings that others need to keep their meaning, and the names of these."""
    own, _ = _find(values, "ranking.")
    several, _ = _find(values, f"{_VARIANTS}.")
    tables = {"ranking": own} | {f"{_VARIANTS}.{name}": table for name, table in (several or {}).items()}
    for place, table in tables.items():
        if not isinstance(table, dict):
            continue
        if "max_per_artist" in table:
            yield f"{place}.staying_per_artist", table["max_per_artist"], f"{place}.max_per_artist"
        for key in _OF_THE_SUM:
            if str(table.get(key, 0)).strip() not in ("0", "0.0"):
                yield "ranking.model", "sum", f"{place}.{key}"
    taste, key = _find(values, "taste.repeat_after")
    if taste is not None and key in taste:
        yield "ranking.repeat_share", 0.0, "taste.repeat_after"


def _keep_rules_off(former: Mapping[str, Any], renamed: dict[str, Any]) -> None:
    """Keep the artist source off if `ranking.session_weight = 0` switched it off, as in release 0.1."""
    table, key = _find(former, "ranking.session_weight")
    weight = table.get(key, 1) if table else 1
    if str(weight).strip() in ("0", "0.0"):
        renamed["ranking"]["artist_weight"] = 0.0
    table, key = _find(former, _VARIANTS)
    before = table.get(key) if table else None
    for variant, changes in before.items() if isinstance(before, dict) else ():
        if isinstance(changes, dict) and changes.get("session_weight") == 0:
            _put(renamed, f"{_VARIANTS}.{variant}.artist_weight", 0.0)


def _all_renamed(values: dict[str, Any]) -> dict[str, str | tuple[str, ...]]:
    """RENAMED, also applied to the changes of each variant of an experiment."""
    section, key = _find(values, _VARIANTS)
    variants = section.get(key) if section else None
    more = {
        f"{_VARIANTS}.{variant}.{former.removeprefix('ranking.')}": (
            f"{_VARIANTS}.{variant}.{str(new).removeprefix('ranking.')}"
        )
        for variant in (variants if isinstance(variants, dict) else ())
        for former, new in RENAMED.items()
        if former.startswith("ranking.")
    }
    return {**RENAMED, **more}


def _put(values: dict[str, Any], name: str, value: object) -> None:
    """Set a value unless it is set; merges tables."""
    *path, key = name.split(".")
    for part in path:
        values = values.setdefault(part, {})
    present = values.get(key)
    if isinstance(present, dict) and isinstance(value, dict):
        values[key] = {**value, **present}
    else:
        values.setdefault(key, value)


def _copy(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _copy(value) if isinstance(value, dict) else value for key, value in values.items()}


def _find(values: Mapping[str, Any], name: str) -> tuple[dict[str, Any] | None, str]:
    """The table of a setting and its key in the table; None if a table is missing."""
    *path, key = name.split(".")
    table: Any = values
    for part in path:
        table = table.get(part) if isinstance(table, dict) else None
    return (table if isinstance(table, dict) else None), key
