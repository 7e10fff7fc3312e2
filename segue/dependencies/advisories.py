"""Known vulnerabilities, in the form of the Open Source Vulnerabilities project (OSV schema 1)."""

from __future__ import annotations

import json
import re
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from segue.dependencies.pinned import Ecosystem, Pinned
from segue.errors import SegueError

ECOSYSTEMS: tuple[Ecosystem, ...] = ("PyPI", "Maven", "Bitnami")


@dataclass(frozen=True)
class Finding:
    """A pinned version that is, or may be, vulnerable according to an advisory."""

    pinned: Pinned
    package: str
    advisory: str
    aliases: tuple[str, ...]
    fixed: tuple[str, ...]
    """The versions with a fix, as far as the advisory lists them."""
    sure: bool
    """False if the versions could not be compared."""


@dataclass(frozen=True)
class Advisories:
    """The advisories for both ecosystems."""

    by_package: dict[tuple[str, str], list[tuple[str, dict[str, Any], dict[str, Any]]]]
    """Ecosystem and name (for a jar: the artifact) -> package, advisory, and its entry for the package."""
    count: dict[str, int]
    """The number of advisories by ecosystem."""
    newest: dict[str, datetime]
    """The newest publication or change by ecosystem."""

    def about(self, pinned: Pinned) -> list[Finding]:
        """The advisories that affect this version."""
        findings = []
        for package, advisory, affected in self.by_package.get((pinned.ecosystem, pinned.name), []):
            verdict = _affects(affected, pinned.version)
            if verdict is not False:
                findings.append(
                    Finding(
                        pinned=pinned,
                        package=package,
                        advisory=advisory["id"],
                        aliases=tuple(advisory.get("aliases") or ()),
                        fixed=tuple(dict.fromkeys(_events(affected, "fixed"))),
                        sure=verdict is True,
                    )
                )
        return findings


def read_advisories(places: Iterable[Path]) -> Advisories:
    """Read advisories from folders of JSON or YAML files, or from zips of them.

    Raises
    ------
    SegueError
        A path does not exist, or a file in it is not an advisory.
    """
    by_package = defaultdict(list)
    count: dict[str, int] = defaultdict(int)
    newest: dict[str, datetime] = {}
    for place in places:
        for name, text in _files(place):
            advisory = _parse(name, text)
            if advisory is None or advisory.get("withdrawn"):
                continue
            parts = [part for part in advisory.get("affected") or [] if _ecosystem(part) in ECOSYSTEMS]
            for part in parts:
                package = part["package"]["name"]
                by_package[_ecosystem(part), _key(_ecosystem(part), package)].append(
                    (package, advisory, part)
                )
            for ecosystem in {_ecosystem(part) for part in parts}:
                count[ecosystem] += 1
                changed = _moment(advisory["modified"])
                newest[ecosystem] = max(changed, newest.get(ecosystem, changed))
    return Advisories(dict(by_package), dict(count), newest)


def _files(place: Path) -> Iterator[tuple[str, bytes]]:
    if place.is_dir():
        for file in sorted(place.rglob("*")):
            if file.suffix in (".json", ".yaml") and ".git" not in file.parts and ".github" not in file.parts:
                yield str(file), file.read_bytes()
        return
    try:
        with zipfile.ZipFile(place) as archive:
            for name in archive.namelist():
                if name.endswith((".json", ".yaml")):
                    yield f"{place}: {name}", archive.read(name)
    except (OSError, zipfile.BadZipFile) as error:
        raise SegueError(f"{place} is neither a folder nor a zip file of advisories: {error}") from None


def _parse(name: str, text: bytes) -> dict[str, Any] | None:
    """The advisory in a file; None for a file of another kind."""
    try:
        document = json.loads(text) if name.endswith(".json") else yaml.load(text, Loader=yaml.CSafeLoader)
    except (ValueError, yaml.YAMLError):
        raise SegueError(f"{name} cannot be read: get the advisories again") from None
    return document if isinstance(document, dict) and {"id", "modified"} <= document.keys() else None


def _moment(text: str | datetime) -> datetime:
    moment = text if isinstance(text, datetime) else datetime.fromisoformat(text.replace("Z", "+00:00"))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _ecosystem(affected: dict[str, Any]) -> str:
    return str((affected.get("package") or {}).get("ecosystem", "")).split(":")[0]


def _key(ecosystem: str, package: str) -> str:
    """The key of a package in :class:`Advisories`."""
    return canonicalize_name(package) if ecosystem == "PyPI" else package.rsplit(":", maxsplit=1)[-1]


def _events(affected: dict[str, Any], kind: str) -> list[str]:
    return [
        event[kind]
        for span in affected.get("ranges") or []
        if span["type"] != "GIT"
        for event in span["events"]
        if kind in event
    ]


def _affects(affected: dict[str, Any], version: str) -> bool | None:
    """Whether a version is listed or in one of the ranges; None if the versions cannot be compared."""
    if version in (affected.get("versions") or []):
        return True
    own = _comparable(version)
    unclear = False
    for span in affected.get("ranges") or []:
        if span["type"] == "GIT":
            continue
        events = [(_comparable(value), kind) for event in span["events"] for kind, value in event.items()]
        if own is None or any(moment is None for moment, _ in events):
            unclear = True
        elif _within(own, [(moment, kind) for moment, kind in events if moment is not None]):
            return True
    return None if unclear else False


def _within(version: Version, events: list[tuple[Version, str]]) -> bool:
    """The schema's rule: the last event at or below the version decides."""
    vulnerable = False
    for moment, kind in sorted(events):
        if kind == "introduced" and version >= moment:
            vulnerable = True
        elif (kind == "fixed" and version >= moment) or (kind == "last_affected" and version > moment):
            vulnerable = False
    return vulnerable


def _comparable(version: str) -> Version | None:
    """Parse a version, also in Maven's usual forms: 4.1.0.Final, 2.0-M1, 1.0-jre."""
    plain = re.sub(r"[.-](final|ga|release|jre|android)$", "", version, flags=re.IGNORECASE)
    plain = re.sub(r"[.-]m(\d+)$", r"a\1", plain, flags=re.IGNORECASE)
    try:
        return Version(plain)
    except InvalidVersion:
        return None
