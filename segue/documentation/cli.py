"""`./run.sh docs`: serves, builds and generates the documentation."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from segue.documentation import site
from segue.errors import SegueError, one_line_errors
from segue.local.process import LAST_PORT, free_port
from segue.places import CHECKOUT, LOCAL, PROGRAM

PORT = 8700
SITE = LOCAL / "docs" / "site"
"""The default folder of `build`."""


def serve(
    port: Annotated[
        int, typer.Option(min=1, max=LAST_PORT, help="The port. If it is taken, a free port near it is used.")
    ] = PORT,
) -> None:
    """Serve the documentation site on this machine, without network access.

    In a checkout, the site is built first. An installed package contains it.

    Example: ./run.sh docs serve

    Example: ./run.sh docs serve --port 9000
    """
    with one_line_errors():
        folder = site.built() or _build(LOCAL / "docs" / "served")
        address = free_port(port)
        typer.echo(f"the documentation is at http://127.0.0.1:{address} (stop it with Ctrl-C)", err=True)
        serve_folder(folder, port=address)


def serve_folder(folder: Path, *, port: int) -> None:
    """Serve a built site on the loopback address until the process is stopped."""
    uvicorn.run(site_app(folder), host="127.0.0.1", port=port, log_level="warning", access_log=False)


def site_app(folder: Path) -> Starlette:
    """The application that serves the files of a built site."""
    return Starlette(routes=[Mount("/", StaticFiles(directory=folder, html=True))])


def build(
    output: Annotated[Path, typer.Option(help="The folder for the site. A site in it is replaced.")] = SITE,
) -> None:
    """Build the documentation site. A broken link is an error.

    Example: ./run.sh docs build

    Example: ./run.sh docs build --output /srv/www/segue
    """
    with one_line_errors():
        folder = output.expanduser().absolute()
        if folder.exists() and not _may_be_replaced(folder):
            raise SegueError(
                f"--output {output}: the folder has other files than a site: name a new or an empty folder"
            )
        typer.echo(_build(folder))


def _may_be_replaced(folder: Path) -> bool:
    return folder.is_dir() and ((folder / "404.html").is_file() or not any(folder.iterdir()))


def _build(output: Path) -> Path:
    if not CHECKOUT:
        raise SegueError(
            "this package was built without the documentation: the source archive has it in docs/"
        )
    _need_zensical()
    try:
        site.build(output)
    except site.BuildFailed as fault:
        raise SegueError(f"the documentation has faults:\n{fault}") from fault
    return output


def _need_zensical() -> None:
    if find_spec("zensical") is None:
        raise SegueError(f"Zensical, which builds the site, is not installed: {PROGRAM} setup docs")


def reference(
    output: Annotated[
        Path | None, typer.Option(help="The folder for the pages; docs/reference if it is left out.")
    ] = None,
) -> None:
    """Write the generated pages of docs/reference, and the types of the player's messages. For a checkout.

    Example: ./run.sh docs reference

    Example: ./run.sh docs reference --output /tmp/reference
    """
    with one_line_errors():
        if not CHECKOUT:
            raise SegueError("this command works in a checkout only: see docs/contributing")
        from segue.dashboard.api import messages
        from segue.documentation.reference.pages import write

        for page in [*write(output or site.PROJECT / "docs" / "reference"), *messages.write()]:
            typer.echo(page)


def texts(
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; fail if a catalogue is not up to date.")
    ] = False,
) -> None:
    """Bring the catalogues of interface texts up to date with the code. For a checkout.

    New texts are added without a translation, and texts that the code no longer has are removed.

    Example: ./run.sh docs texts

    Example: ./run.sh docs texts --check
    """
    with one_line_errors():
        if not CHECKOUT:
            raise SegueError("this command works in a checkout only: see docs/contributing")
        from segue.documentation.texts import changes

        faulty = False
        for change in changes():
            faulty |= change.stale or bool(change.untranslated)
            if not check:
                change.write()
            typer.echo(
                f"{change.path.name}: {len(change.new)} new, {len(change.gone)} removed, "
                f"{len(change.untranslated)} without a translation"
            )
            for text in change.untranslated:
                typer.echo(f"  {text}")
        if check and faulty:
            raise SystemExit(1)


def pictures(
    output: Annotated[
        Path | None, typer.Option(help="The folder for the pictures; docs/pictures if it is left out.")
    ] = None,
    address: Annotated[
        str | None, typer.Option(help="A running dashboard. Without it, a demo is started.")
    ] = None,
) -> None:
    """Take pictures of every page of the player, from a demo with composed music. Needs Chromium.

    Example: ./run.sh docs pictures

    Example: ./run.sh docs pictures --address http://127.0.0.1:8501 --output /tmp/pictures
    """
    with one_line_errors():
        from segue.documentation.pictures import take

        take(
            output or site.PROJECT / "docs" / "pictures",
            address=address,
            say=lambda text: typer.echo(text, err=True),
        )
