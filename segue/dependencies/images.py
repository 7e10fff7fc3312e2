"""`./run.sh dependencies images`: the images of the deployments, which deploy/images.txt lists.

A tag can be moved to another image; a digest cannot. Digests come from the registries, by Docker. Until a
registry has answered, an image is named by its exact tag, and the command says so.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer

from segue.dependencies.pinned import Pinned
from segue.errors import SegueError, one_line_errors
from segue.places import CHECKOUT, ROOT

LIST = "deploy/images.txt"
PLACES = ("deploy/compose/compose.yaml", "deploy/image/Dockerfile", "deploy/kubernetes/kustomization.yaml")
"""The files that name the images."""
_PATIENCE = 60.0
"""Seconds for the answer of a registry."""
_DIGEST = "sha256:[0-9a-f]{64}"
_LINE = re.compile(
    rf"(?P<name>[a-z0-9./-]+):(?P<tag>v?\d+\.\d+\.\d+[\w.-]*)(@(?P<digest>{_DIGEST}))?\s+(?P<product>\w+)"
)
_NAMED = re.compile(
    r"(?P<before>^\s*(image: |FROM ))(?P<name>[a-z0-9./-]+)(?P<version>[:@]\S+)", re.MULTILINE
)
_KUSTOMIZED = re.compile(
    r"(?P<before>newName: )(?P<name>[a-z0-9./-]+), (?P<version>(newTag|digest): [^}\s]+)"
)


@dataclass(frozen=True)
class Image:
    """An image of the list."""

    name: str
    tag: str
    product: str
    """Its name in the advisories."""
    digest: str = ""

    @property
    def reference(self) -> str:
        """As Docker takes it."""
        return f"{self.name}:{self.tag}" + (f"@{self.digest}" if self.digest else "")

    @property
    def pinned(self) -> Pinned:
        """The version of its product: `1.29.3` of `1.29.3-alpine`."""
        return Pinned("Bitnami", self.product, self.tag.removeprefix("v").partition("-")[0])


def read_images(root: Path = ROOT) -> list[Image]:
    """The images of the list.

    Raises
    ------
    SegueError
        The list is missing, as in an installed package, or a line is not an image with an exact tag.
    """
    try:
        lines = (root / LIST).read_text().splitlines()
    except FileNotFoundError:
        raise SegueError(f"{LIST} is missing: images are listed in a checkout only") from None
    images = []
    for line in lines:
        if not line.strip() or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line.strip())
        if match is None:
            raise SegueError(f"{LIST}: not an image with an exact tag and a product: {line.strip()[:80]}")
        images.append(Image(match["name"], match["tag"], match["product"], match["digest"] or ""))
    return images


def different(images: list[Image], root: Path = ROOT) -> list[str]:
    """A line for each image that a file names otherwise than the list, or that the list lacks."""
    return [
        f"{place}: {match[0].strip()} is not as in {LIST}"
        for place in PLACES
        for pattern in (_NAMED, _KUSTOMIZED)
        for match in pattern.finditer((root / place).read_text())
        if match[0] != _as_listed(match, images)
    ]


def write(images: list[Image], root: Path = ROOT) -> None:
    """Write the images into the list and into the files that name them."""
    by_name = {image.name: image for image in images}
    lines = []
    for line in (root / LIST).read_text().splitlines(keepends=True):
        match = _LINE.match(line)
        lines.append(f"{by_name[match['name']].reference:<43} {match['product']}\n" if match else line)
    (root / LIST).write_text("".join(lines))
    for place in PLACES:
        text = (root / place).read_text()
        for pattern in (_NAMED, _KUSTOMIZED):
            text = pattern.sub(lambda match: _as_listed(match, images) or match[0], text)
        (root / place).write_text(text)


def _as_listed(match: re.Match[str], images: list[Image]) -> str:
    """A mention of an image as it should be; empty for an image that is not listed."""
    image = {image.name: image for image in images}.get(match["name"])
    if image is None:
        return ""
    if match.re is _NAMED:
        return f"{match['before']}{image.reference}"
    version = f"digest: {image.digest}" if image.digest else f"newTag: {image.tag}"
    return f"{match['before']}{image.name}, {version}"


def digest_of(image: Image) -> str:
    """The digest that the registry gives for the tag now; empty without an answer."""
    docker = shutil.which("docker")
    if docker is None:
        return ""
    command = [docker, "buildx", "imagetools", "inspect", "--format", "{{.Manifest.Digest}}"]
    try:
        done = subprocess.run(
            [*command, f"{image.name}:{image.tag}"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    answer = done.stdout.strip()
    return answer if done.returncode == 0 and re.fullmatch(_DIGEST, answer) else ""


def images_command(
    update: Annotated[
        bool,
        typer.Option(
            "--update",
            help="Ask the registries for the digests, by Docker, and write the images into deploy/.",
        ),
    ] = False,
) -> None:
    """Check that the deployments use the images of deploy/images.txt, and list those without a digest.

    The exit status is 1 if a file names another image than the list. An image without a digest is named by
    its exact tag, until its registry has answered.

    Example: ./run.sh dependencies images

    Example: ./run.sh dependencies images --update
    """
    with one_line_errors():
        if not CHECKOUT:
            raise SegueError("images are listed in a checkout only")
        images = read_images()
        if update:
            images = [replace(image, digest=digest_of(image) or image.digest) for image in images]
            write(images)
        for image in images:
            typer.echo(image.reference if image.digest else f"{image.reference}: by its tag; no digest yet")
        if found := different(images):
            raise SegueError("; ".join(found))
