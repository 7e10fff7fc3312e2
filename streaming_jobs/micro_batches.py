"""Micro-batches and their progress in the driver's Python, with as few calls into the JVM as can be.

PySpark makes dozens of calls through py4j for each micro-batch: a session object, its class looked up by
name through every jar, settings, the schema as JSON, each field of a progress report. At ten micro-batches a
second they took a quarter of the processor time (docs/decisions/0010). What stands here does the same
with a handful. It leans on PySpark's own inner classes; the version is pinned and the streaming tests run it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa
from pyspark.java_gateway import ensure_callback_server_started
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.classic.dataframe import DataFrame as ClassicDataFrame
from pyspark.sql.pandas.serializers import ArrowCollectSerializer
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.streaming.readwriter import DataStreamWriter
from pyspark.sql.utils import ForeachBatchFunction
from pyspark.util import _load_from_socket

BatchFunction = Callable[[DataFrame, int], None]


class _BatchFunction(ForeachBatchFunction):
    """Hands on each micro-batch in the query's own session, where PySpark makes a new session object."""

    session: SparkSession

    def call(self, jdf: Any, batch_id: int) -> None:
        try:
            self.func(ClassicDataFrame(jdf, self.session), batch_id)
        # Whatever it is: kept as PySpark's own function keeps it, and told to the JVM.
        except Exception as error:
            self.error = error
            raise


def foreach_batch(writer: DataStreamWriter, work: BatchFunction, *, spark: SparkSession) -> DataStreamWriter:
    """As `writer.foreachBatch(work)`.

    The frames that `work` gets are read with the settings of `spark`, not with those that Spark changes for a
    streaming query (adaptive execution is off in both).
    """
    gateway = spark.sparkContext._gateway
    assert gateway is not None
    helper = gateway.jvm.org.apache.spark.sql.execution.streaming.sources.PythonForeachBatchHelper
    helper.callForeachBatch(writer._jwrite, _BatchFunction(spark, work))
    ensure_callback_server_started(gateway)  # type: ignore[no-untyped-call]
    return writer


class Collector:
    """Collects frames that all have one schema, which is asked for once."""

    def __init__(self) -> None:
        self._schema: pa.Schema | None = None

    def __call__(self, rows: DataFrame) -> pa.Table:
        """As `rows.toArrow()`."""
        if self._schema is None:
            self._schema = to_arrow_schema(rows.schema, timezone="UTC")
        port, secret, server = rows._jdf.collectAsArrowToPython()
        try:
            serializer = ArrowCollectSerializer()  # type: ignore[no-untyped-call]
            with _load_from_socket((port, secret), serializer) as stream:
                *batches, order = stream
        finally:
            server.getResult()  # raises what a task has failed with
        if not batches:
            return self._schema.empty_table()
        return pa.Table.from_batches([batches[i] for i in order]).cast(self._schema)


class ProgressEvents:
    """A query listener for the Java side: `take` gets each report as JSON, `ended` the text of an error."""

    def __init__(self, take: Callable[[str], None], ended: Callable[[str], None]) -> None:
        self._take, self._ended = take, ended

    def onQueryStarted(self, event: Any) -> None:  # noqa: N802
        """The query's start is logged where it is started."""

    def onQueryProgress(self, event: Any) -> None:  # noqa: N802
        self._take(event.progress().json())

    def onQueryIdle(self, event: Any) -> None:  # noqa: N802
        """Nothing arrived; there is nothing to keep."""

    def onQueryTerminated(self, event: Any) -> None:  # noqa: N802
        error = event.exception()
        if error.isDefined():
            self._ended(error.get())

    class Java:
        implements = ("org.apache.spark.sql.streaming.PythonStreamingQueryListener",)

    def listen(self, spark: SparkSession) -> None:
        """From now on, until the session ends."""
        gateway = spark.sparkContext._gateway
        assert gateway is not None
        ensure_callback_server_started(gateway)  # type: ignore[no-untyped-call]
        wrapper = gateway.jvm.org.apache.spark.sql.streaming.PythonStreamingQueryListenerWrapper(self)
        spark._jsparkSession.streams().addListener(wrapper)
