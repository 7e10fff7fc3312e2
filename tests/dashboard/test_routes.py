"""The routes beside the pages."""

from __future__ import annotations

import pytest
from pymongo.database import Database
from starlette.applications import Starlette
from starlette.testclient import TestClient

from segue.dashboard.api import covers
from segue.dashboard.services import Services
from segue.storage.mongo import Document
from tests.dashboard.conftest import COVER


@pytest.fixture
def client(library: Database[Document], services: Services) -> TestClient:
    return TestClient(Starlette(routes=covers.routes(services)))


def test_a_cover_comes_with_its_type_and_may_be_kept(client: TestClient) -> None:
    answer = client.get(f"/api/covers/{COVER}")
    assert (answer.status_code, answer.content) == (200, b"\xff\xd8 a picture")
    assert answer.headers["content-type"] == "image/jpeg"
    assert "immutable" in answer.headers["cache-control"]


@pytest.mark.parametrize("wanted", ["cd" * 32, "short", "..%2f..%2fetc%2fpasswd", "AB" * 32, '{"$ne":1}'])
def test_an_unknown_cover_is_not_found(client: TestClient, wanted: str) -> None:
    assert client.get(f"/api/covers/{wanted}").status_code == 404


def test_covers_are_read_only(client: TestClient) -> None:
    assert client.post(f"/api/covers/{COVER}").status_code == 405
