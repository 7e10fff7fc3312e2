"""The page on Prometheus metrics."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator

from prometheus_client import Histogram
from prometheus_client.metrics import MetricWrapperBase

from segue.dashboard.metrics import DashboardMetrics
from segue.documentation.reference import markdown as md
from segue.places import CONF
from segue.streaming_jobs.metrics import Metrics

_SUFFIXES = {
    "counter": ("_total",),
    "info": ("_info",),
    "histogram": ("_bucket", "_count", "_sum"),
    "gauge": ("",),
}


def render() -> str:
    """The page."""
    defaults = tomllib.loads((CONF / "default.toml").read_text())
    stream, dashboard = (defaults[job]["metrics_port"] for job in ("stream", "dashboard"))
    return md.page(
        "Metrics",
        "Two processes serve Prometheus metrics at `/metrics` and their health at `/health`, on the loopback "
        f"address: the stream on port {stream} (`stream.metrics_port`), the dashboard on port {dashboard} "
        "(`dashboard.metrics_port`); 0 switches both pages off. [Alerts](../how-to/alerts.md) are based on "
        "the metrics. Both also have the metrics of any process: `process_start_time_seconds`, "
        "`process_open_fds`, `process_max_fds`, `process_resident_memory_bytes`, "
        "`process_virtual_memory_bytes` and `process_cpu_seconds_total`.",
        "## Stream",
        md.table(("metric", "type", "labels", "meaning"), _rows(declared())),
        *_buckets(declared()),
        "The label `query` is `recommend`, `engagement` or `rejected plays`; `phase` is a phase of Spark's "
        "micro-batch (`triggerExecution` is the whole batch); `reason` is a reason of "
        "[rejected plays](events-and-records.md#rejected-plays); `cause` is a "
        "[cause of missing records](../how-to/operate.md#records-missing-from-the-topic): `recreated`, "
        "`deleted`, `truncated` or `expired`.",
        "## Dashboard",
        md.table(("metric", "type", "labels", "meaning"), _rows(of_dashboard())),
        *_buckets(of_dashboard()),
        "The label `route` is a path of the [HTTP API](http-api.md); `page` is a page that a browser opens, "
        "and `streamlit` any resource of a page.",
    )


def declared() -> list[MetricWrapperBase]:
    """The job's metrics, in the order in which they are declared."""
    return [value for value in vars(Metrics()).values() if isinstance(value, MetricWrapperBase)]


def of_dashboard() -> list[MetricWrapperBase]:
    """The dashboard's metrics, in the order in which they are declared."""
    return [value for value in vars(DashboardMetrics()).values() if isinstance(value, MetricWrapperBase)]


def _rows(metrics: list[MetricWrapperBase]) -> Iterator[tuple[str, ...]]:
    for metric in metrics:
        (family,) = metric.describe()
        names = [f"{family.name}{suffix}" for suffix in _SUFFIXES[family.type]]
        labels = ["version"] if family.type == "info" else metric._labelnames
        yield (
            ", ".join(map(md.code, names)),
            family.type,
            ", ".join(map(md.code, labels)),
            family.documentation,
        )


def _buckets(metrics: list[MetricWrapperBase]) -> Iterator[str]:
    """A sentence for each histogram."""
    for metric in metrics:
        if isinstance(metric, Histogram):
            bounds = ", ".join(f"{bound:g}" for bound in metric._upper_bounds)
            yield f"Buckets of `{metric._name}`: {bounds}."
