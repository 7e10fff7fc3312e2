"""Scripts and styles of the pages: compressed, kept by browsers, and never replaced by a page."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
import streamlit
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from segue.dashboard.static_files import PARTS, StaticFiles, whole

FONTS = ("MaterialSymbols-Rounded.abc.woff2", "SourceSansVF-Upright.ttf.a-_Z9.woff2")
SCRIPT = "const answer = 42;\n" * 100


@pytest.fixture
def client(tmp_path: Path) -> TestClient:
    folder = tmp_path / "site/static/js"
    folder.mkdir(parents=True)
    (folder / "index.abc.js").write_text(SCRIPT)
    (tmp_path / "site/static/media").mkdir()
    for name in FONTS:
        (tmp_path / f"site/static/media/{name}").write_bytes(b"a whole font")
    (folder / "picture.png").write_bytes(b"\x89PNG")
    (tmp_path / "secret.js").write_text("secret")

    async def beyond(request: Request) -> Response:
        return PlainTextResponse("beyond")

    app = Starlette(
        routes=[Route("/{path:path}", beyond)], middleware=[Middleware(StaticFiles, root=tmp_path / "site")]
    )
    return TestClient(app)


def test_a_script_is_compressed_and_kept(client: TestClient) -> None:
    answer = client.get("/static/js/index.abc.js", headers={"accept-encoding": "gzip, br"})
    assert answer.text == SCRIPT
    assert (answer.headers["content-encoding"], answer.headers["vary"]) == ("gzip", "Accept-Encoding")
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["content-type"].startswith("text/javascript")
    assert int(answer.headers["content-length"]) == len(gzip.compress(SCRIPT.encode(), mtime=0))
    head = client.head("/static/js/index.abc.js", headers={"accept-encoding": "gzip"})
    assert (head.content, head.headers["content-length"]) == (b"", answer.headers["content-length"])


@pytest.mark.parametrize("path", ["/static/js/picture.png", "/other", "/static/js/index.abc.js"])
def test_the_rest_is_streamlits(client: TestClient, path: str) -> None:
    assert client.get(path, headers={"accept-encoding": "identity"}).text == "beyond"


@pytest.mark.parametrize(
    "path",
    ["/static/js/gone.js", "/static/%2e%2e/%2e%2e/secret.js", "/static/js/%00.js", f"/static/{'a' * 5000}"],
)
def test_a_missing_file_is_no_page(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.headers["cache-control"]) == (404, "no-store")


@pytest.mark.parametrize(("name", "part"), list(zip(FONTS, PARTS.values(), strict=True)))
def test_a_browser_gets_a_part_of_a_font(client: TestClient, name: str, part: Path) -> None:
    """Its address stays the same when it changes: a browser asks whether its copy is the newest."""
    address = f"/static/media/{name}"
    answer = client.get(address)
    assert answer.content == part.read_bytes()
    assert answer.headers["content-type"] == "font/woff2"
    assert answer.headers["cache-control"] == "no-cache"
    again = client.get(address, headers={"if-none-match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == answer.headers["etag"]
    assert client.get(address, headers={"if-none-match": '"another"'}).content == answer.content
    assert client.get(f"{address}?whole").text == "beyond", "of Streamlit"


def test_streamlits_files_lie_where_they_are_looked_for() -> None:
    files = Path(streamlit.__file__).parent / "static/static"
    assert any((files / "js").glob("index.*.js"))
    for name in PARTS:
        assert (files.parent / whole(name).lstrip("/").removesuffix("?whole")).is_file()
