"""Collaborative filtering: implicit alternating least squares on weighted signals, by Spark MLlib.

``Step -> TrackFactor``. A pair's preference is 1, its confidence ``1 + alpha log(1 + weight)`` (Hu, Koren and
Volinsky, 2008), where the weight is the sum of the listener's signals on the track.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from pyspark.ml.feature import StringIndexer
from pyspark.ml.recommendation import ALS
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from segue.index.track_ids import encode_ids
from segue.settings import AlsSettings, Settings
from segue.spark.learned_model import Arrays, LearnedModel, Lesson


def liked_pairs(steps: DataFrame) -> DataFrame:
    """Step -> LikedPair: `user_id`, `track_id`, `liking` (log of 1 + the signals' sum)."""
    return steps.groupBy("user_id", "track_id").agg(F.log1p(F.sum("weight")).alias("liking"))


def track_factors(pairs: DataFrame, *, settings: AlsSettings) -> DataFrame:
    """LikedPair -> TrackFactor: `track_id`, `factor` (array of `settings.factors` floats).

    Listeners' factors are not returned: they are personal, and follow from the tracks' factors and a history.
    """
    columns = ("user_id", "track_id")
    codes = [f"{name}_code" for name in columns]
    indexer = StringIndexer(inputCols=list(columns), outputCols=codes, stringOrderType="alphabetAsc")
    named = indexer.fit(pairs)
    coded = named.transform(pairs).select(*(F.col(code).cast("int") for code in codes), "liking")
    # Spark's default of ten blocks makes a hundred tasks an iteration at any size.
    blocks = pairs.sparkSession.sparkContext.defaultParallelism
    model = ALS(
        rank=settings.factors,
        maxIter=settings.iterations,
        regParam=settings.regularization,
        implicitPrefs=True,
        alpha=settings.alpha,
        userCol=codes[0],
        itemCol=codes[1],
        ratingCol="liking",
        seed=settings.seed,
        numUserBlocks=blocks,
        numItemBlocks=blocks,
    ).fit(coded)
    return _named(model.itemFactors, named.transform(pairs), code=codes[1])


def _named(factors: DataFrame, coded: DataFrame, *, code: str) -> DataFrame:
    names = coded.select("track_id", F.col(code).cast("int").alias("id")).distinct()
    return factors.join(names, on="id", how="inner").select("track_id", F.col("features").alias("factor"))


class AlsFactors(LearnedModel):
    """The tracks' factors, for analysis: nothing serves them. Learned if it is enabled."""

    kind = "als"

    def enabled(self, settings: Settings) -> bool:
        return settings.models.als.enabled

    def settings_of(self, settings: Settings) -> dict[str, Any]:
        stored = settings.models.als.stored()
        del stored["enabled"]
        return stored

    def learn(self, lesson: Lesson) -> Arrays:
        pairs = liked_pairs(lesson.steps)
        table = track_factors(pairs, settings=lesson.settings.models.als).toArrow().sort_by("track_id")
        factors = table["factor"].combine_chunks().flatten().to_numpy().astype(np.float32)
        return {
            "track_ids": encode_ids(table["track_id"].to_pylist()),
            "factors": factors.reshape(table.num_rows, -1),
        }
