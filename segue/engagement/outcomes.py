"""What came of recommendations, by listener and variant, from the stored facts. Reads only."""

from __future__ import annotations

from datetime import datetime

import pandas as pd
from pymongo.database import Database

from segue.engagement.experiments import COLUMNS
from segue.ranking.variants import assigned
from segue.settings import Experiments
from segue.storage.mongo import Document


def outcomes(database: Database[Document], *, since: datetime, experiments: Experiments) -> pd.DataFrame:
    """A row for each listener who was served the variant that they are assigned now.

    Columns `user_id`, `variant` and those of :data:`segue.engagement.experiments.COLUMNS`. What a listener
    was served otherwise (before the experiment, by other shares, by an index that could not) is left out.
    """
    found = database.listening.aggregate(_pipeline(since, [name for name, _ in experiments.variants]))
    rows = [
        {"user_id": one["_id"]["user"], "variant": one["_id"]["variant"]}
        | {name: one[name] for name in COLUMNS}
        for one in found
        if assigned(one["_id"]["user"], experiments=experiments) == one["_id"]["variant"]
    ]
    return pd.DataFrame(rows, columns=["user_id", "variant", *COLUMNS])


def _pipeline(since: datetime, variants: list[str]) -> list[Document]:
    counted = ("impressions", "starts", "plays", "completions", "skips", "likes")
    seen = {"$gt": ["$impressions", 0]}
    played = {"$gt": [{"$add": ["$starts", "$plays"]}, 0]}

    def number_of(*conditions: Document) -> Document:
        return {"$sum": {"$cond": [{"$and": list(conditions)}, 1, 0]}}

    return [
        {"$match": {"start": {"$gte": since}}},
        {"$project": {"user_id": 1, "rows": 1}},
        {"$unwind": "$rows"},
        # What explores is marked behind the variant: segue.ranking.variants.label.
        {"$set": {"variant": {"$first": {"$split": ["$rows.variant", "/"]}}}},
        {"$match": {"variant": {"$in": variants}}},
        {
            "$group": {
                "_id": {"fact": "$_id", "user": "$user_id", "variant": "$variant", "track": "$rows.track_id"},
                **{name: {"$sum": f"$rows.{name}"} for name in counted},
            }
        },
        {
            "$group": {
                "_id": {"user": "$_id.user", "variant": "$_id.variant"},
                **{name: {"$sum": f"${name}"} for name in ("plays", "completions", "skips")},
                "seen": number_of(seen),
                "clicked": number_of(seen, played),
                "heard": number_of(played),
                "liked": number_of(played, {"$gt": ["$likes", 0]}),
            }
        },
        {"$sort": {"_id.user": 1}},
    ]
