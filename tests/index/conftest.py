"""A small bundle, and the index folders of two machines."""

from __future__ import annotations

from pathlib import Path

import pytest
from pymongo.database import Database

from segue.index.published import PublishedBundles
from segue.storage.mongo import Document
from segue.storage.store import Store
from tests.index.corpus import write


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """The folder of a small bundle."""
    return tmp_path / write(tmp_path).version


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """The index folder of the machine that builds."""
    return tmp_path / "here"


@pytest.fixture
def there(tmp_path: Path) -> Path:
    """The index folder of a machine that has nothing yet."""
    return tmp_path / "there"


@pytest.fixture
def bundles(database: Database[Document]) -> PublishedBundles:
    """The bundles in MongoDB."""
    return PublishedBundles(Store(database))
