"""The third-party components of Segue: the pinned Python packages, the jars, and the servers in images."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

from packaging.utils import canonicalize_name

from segue.errors import SegueError

_QUALIFIER = r"(?i:\d+|jre|android|ga|m\d+|rc\d+|alpha\d*|beta\d*)"
Ecosystem = Literal["PyPI", "Maven", "Bitnami"]
"""Names of OSV. Bitnami has advisories for the servers in images."""


@dataclass(frozen=True, order=True)
class Pinned:
    """A version of a package. The name of a jar is its artifact: file names do not have the group."""

    ecosystem: Ecosystem
    name: str
    version: str


def python_packages(requirements: Path) -> list[Pinned]:
    """The packages that a requirements file pins.

    Raises
    ------
    SegueError
        A requirement is not pinned to one version with hashes.
    """
    text = requirements.read_text().replace("\\\n", " ")
    packages = []
    for line in text.splitlines():
        requirement = line.split(" #")[0].strip()
        if not requirement or requirement.startswith("#"):
            continue
        match = re.match(r"([\w.-]+)(?:\[[^]]*\])?==([^\s;]+)", requirement)
        if match is None or "--hash=sha256:" not in requirement:
            raise SegueError(f"{requirements}: not pinned with a hash: {requirement[:80]}")
        packages.append(Pinned("PyPI", canonicalize_name(match[1]), match[2]))
    return packages


def installed() -> set[Pinned]:
    """The packages of this environment."""
    return {
        Pinned("PyPI", canonicalize_name(distribution.name), distribution.version)
        for distribution in metadata.distributions()
        if distribution.name and distribution.name != "segue"
    }


def jars(folders: Iterable[Path]) -> list[Pinned]:
    """The jars in these folders, by their file names: artifact-version.jar."""
    names = sorted({jar.name for folder in folders for jar in folder.glob("*.jar")})
    return [Pinned("Maven", *split_jar(name)) for name in names]


def split_jar(jar: str) -> tuple[str, str]:
    """Artifact and version of a jar's file name, without a classifier such as linux-x86_64."""
    match = re.fullmatch(rf"(.+)-(\d+\.[\w.]+(?:-{_QUALIFIER})?)(?:-\w[\w-]*)?\.jar", jar)
    return (match[1], match[2]) if match else (jar.removesuffix(".jar"), "")
