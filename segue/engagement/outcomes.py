"""The outcomes of recommendations by listener and variant, from the stored facts. Reads only."""

from __future__ import annotations

from datetime import datetime

import pandas as pd

from segue.engagement.experiments import COLUMNS
from segue.engagement.summed_listening import SummedListening
from segue.ranking.variants import assigned
from segue.settings import ExperimentSettings
from segue.storage.store import Store


def outcomes(store: Store, *, since: datetime, experiments: ExperimentSettings) -> pd.DataFrame:
    """A row for each listener who was served their currently assigned variant.

    Columns `user_id`, `variant` and those of :data:`segue.engagement.experiments.COLUMNS`. Plays of other
    variants (from before the experiment, from other shares, or from an index without the variant) are left
    out.
    """
    variants = [name for name, _ in experiments.variants]
    rows = [
        {name: row[name] for name in ("user_id", "variant", *COLUMNS)}
        for row in SummedListening(store).outcomes(variants, since=since)
        if assigned(row["user_id"], experiments=experiments) == row["variant"]
    ]
    return pd.DataFrame(rows, columns=["user_id", "variant", *COLUMNS])
