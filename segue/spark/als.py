"""Collaborative filtering: implicit alternating least squares on plays weighed by signal, by Spark MLlib.

``Step -> TrackFactor``. A pair's preference is 1, its confidence ``1 + alpha log(1 + weight)`` (Hu, Koren and
Volinsky, 2008), where the weight is the sum of what the listener's signals say of the track.
"""

from __future__ import annotations

from pyspark.ml.feature import StringIndexer
from pyspark.ml.recommendation import ALS
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from segue.settings import Models


def liked_pairs(steps: DataFrame) -> DataFrame:
    """Step -> LikedPair: `user_id`, `track_id`, `liking` (log of 1 + the signals' sum)."""
    return steps.groupBy("user_id", "track_id").agg(F.log1p(F.sum("weight")).alias("liking"))


def track_factors(pairs: DataFrame, *, models: Models) -> DataFrame:
    """LikedPair -> TrackFactor: `track_id`, `factor` (array of `models.factors` floats).

    Listeners' factors are not given out: they are personal, and follow from the tracks' and a history.
    """
    columns = ("user_id", "track_id")
    codes = [f"{name}_code" for name in columns]
    indexer = StringIndexer(inputCols=list(columns), outputCols=codes, stringOrderType="alphabetAsc")
    named = indexer.fit(pairs)
    coded = named.transform(pairs).select(*(F.col(code).cast("int") for code in codes), "liking")
    # Spark's ten blocks are a hundred tasks an iteration, whatever the size.
    blocks = pairs.sparkSession.sparkContext.defaultParallelism
    model = ALS(
        rank=models.factors,
        maxIter=models.iterations,
        regParam=models.regularisation,
        implicitPrefs=True,
        alpha=models.alpha,
        userCol=codes[0],
        itemCol=codes[1],
        ratingCol="liking",
        seed=models.seed,
        numUserBlocks=blocks,
        numItemBlocks=blocks,
    ).fit(coded)
    return _named(model.itemFactors, named.transform(pairs), code=codes[1])


def _named(factors: DataFrame, coded: DataFrame, *, code: str) -> DataFrame:
    names = coded.select("track_id", F.col(code).cast("int").alias("id")).distinct()
    return factors.join(names, on="id", how="inner").select("track_id", F.col("features").alias("factor"))
