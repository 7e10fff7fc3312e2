"""`./run.sh models train` and `models rollback` for the learned order."""

from __future__ import annotations

import pytest

from segue.batch_jobs.train_models import learned_order
from segue.settings import Settings
from segue.storage.store import Store

pytestmark = pytest.mark.integration


def test_without_an_index_the_order_is_left_out_with_the_remedy(store: Store, settings: Settings) -> None:
    found = learned_order(settings)
    assert (found.kind, found.version, found.unchanged) == ("order", None, True)
    assert found.left_out is not None
    assert "./run.sh index build" in found.left_out
