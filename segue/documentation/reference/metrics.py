"""The page on Prometheus metrics."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator

from prometheus_client import Histogram
from prometheus_client.metrics import MetricWrapperBase

from segue.documentation.reference import markdown as md
from segue.places import CONF
from segue.streaming_jobs.progress import Metrics

_SUFFIXES = {
    "counter": ("_total",),
    "info": ("_info",),
    "histogram": ("_bucket", "_count", "_sum"),
    "gauge": ("",),
}


def render() -> str:
    """The page."""
    port = tomllib.loads((CONF / "default.toml").read_text())["stream"]["metrics_port"]
    return md.page(
        "Metrics",
        f"The streaming job serves Prometheus metrics at `http://127.0.0.1:{port}/metrics` "
        f"(`stream.metrics_port`; "
        "0 switches them off). [Alerts](../how-to/alerts.md) are based on them.",
        md.table(("metric", "type", "labels", "meaning"), _rows()),
        "Buckets of `segue_freshness_milliseconds`: " + ", ".join(_buckets()) + ".",
        "The label `query` is `recommend`, `engagement` or `rejected plays`; `phase` is a phase of Spark's "
        "micro-batch (`triggerExecution` is the whole batch); `reason` is a reason of "
        "[rejected plays](events-and-records.md#rejected-plays); `cause` is a "
        "[cause of missing records](../how-to/operate.md#records-missing-from-the-topic): `recreated`, "
        "`deleted`, `truncated` or `expired`.",
    )


def declared() -> list[MetricWrapperBase]:
    """The job's metrics, in the order in which they are declared."""
    return [value for value in vars(Metrics()).values() if isinstance(value, MetricWrapperBase)]


def _rows() -> Iterator[tuple[str, ...]]:
    for metric in declared():
        (family,) = metric.describe()
        names = [f"{family.name}{suffix}" for suffix in _SUFFIXES[family.type]]
        labels = ["version"] if family.type == "info" else metric._labelnames
        yield (
            ", ".join(map(md.code, names)),
            family.type,
            ", ".join(map(md.code, labels)),
            family.documentation,
        )


def _buckets() -> list[str]:
    histograms = [metric for metric in declared() if isinstance(metric, Histogram)]
    return [f"{bound:g}" for histogram in histograms for bound in histogram._upper_bounds]
