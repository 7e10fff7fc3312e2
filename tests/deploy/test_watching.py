"""Rules, dashboard and guide against the stream's real metrics."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest
import yaml
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from segue.dashboard.metrics import DashboardMetrics
from segue.places import ROOT
from segue.settings import load_settings
from segue.streaming_jobs import engagement, recommend, rejected_plays
from segue.streaming_jobs.metrics import Metrics
from segue.streaming_jobs.progress import as_document
from tests.streaming.test_progress import PROGRESS

DEPLOY = ROOT / "deploy"
RULES: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((DEPLOY / "prometheus/rules.yml").read_text())["groups"]
    for rule in group["rules"]
]
SCRAPES = yaml.safe_load((DEPLOY / "prometheus/prometheus.yml").read_text())
BOARD: dict[str, Any] = json.loads((DEPLOY / "grafana/segue.json").read_text())
EXPRESSIONS = [
    *((rule["alert"], rule["expr"]) for rule in RULES),
    *((panel["title"], target["expr"]) for panel in BOARD["panels"] for target in panel["targets"]),
]


@pytest.fixture(scope="module")
def told() -> dict[str, dict[str, set[str]]]:
    """Each sample that the endpoint serves: its labels and their values."""
    metrics = Metrics()
    for query in (recommend.NAME, rejected_plays.NAME):
        metrics.progressed(as_document({**PROGRESS, "name": query}))
        metrics.running.labels(query).set(1)
        metrics.failures.labels(query).inc()
        metrics.records_lost.labels(query, "expired").inc()
        metrics.records_lost_at.labels(query).set(1.0)
    metrics.topic_end.labels("plays").set(1)
    metrics.damaged_documents.labels("tastes").set(1)
    metrics.planned([80.0])
    metrics.count_rejected("malformed")
    metrics.index.info({"version": "v1"})
    for query in (recommend.NAME, rejected_plays.NAME, engagement.NAME):
        metrics.queries.expect(query, every=timedelta(0))
        metrics.input.labels(query)
    served = DashboardMetrics()
    served.requests.labels("GET", "/api/upcoming", "200")
    served.latency.labels("/api/upcoming")
    served.transcodings.labels("cached").inc()
    served.scrobbles.labels("listenbrainz", "sent").inc()
    found: dict[str, dict[str, set[str]]] = {
        "up": {"job": {job["job_name"] for job in SCRAPES["scrape_configs"]}}
    }
    text = "".join(generate_latest(one.registry).decode() for one in (metrics, served))
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = found.setdefault(sample.name, {})
            for name, value in sample.labels.items():
                labels.setdefault(name, set()).add(value)
    # Prometheus labels each sample with its job.
    for labels in found.values():
        labels["job"] = found["up"]["job"]
    return found


@pytest.mark.parametrize(("where", "expression"), EXPRESSIONS, ids=[where for where, _ in EXPRESSIONS])
def test_an_expression_asks_for_metrics_that_exist(
    told: dict[str, dict[str, set[str]]], where: str, expression: str
) -> None:
    asked = re.findall(r"\b(up|segue_\w+|process_\w+)\b(?:\{([^}]*)\})?", expression)
    assert asked
    assert expression.count("(") == expression.count(")")
    for name, selectors in asked:
        assert name in told, f"{where}: {name}"
        for label, operator, value in re.findall(r'(\w+)(=|!=)"([^"]*)"', selectors):
            assert label in told[name], f"{where}: {name} has no label {label}"
            if label != "phase":
                assert operator == "!=" or value in told[name][label], f"{where}: {label}={value}"
            elif operator == "=":
                assert value in told[name]["phase"]
    for label in re.findall(r"\bby \((\w+)\)", expression):
        assert any(label in told[name] for name, _ in asked)


def test_every_metric_is_looked_at(told: dict[str, dict[str, set[str]]]) -> None:
    text = "\n".join(expression for _, expression in EXPRESSIONS)
    ours = {re.sub("_(created|count|sum|bucket)$", "", name) for name in told if name.startswith("segue_")}
    # A counter's "created" is told beside its total.
    plain = {name for name in ours if f"{name}_total" not in told}
    assert {name for name in plain if name not in text} == set()


def test_an_alert_has_a_severity_and_a_description() -> None:
    for rule in RULES:
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert rule["annotations"]["summary"].endswith(".")
        for label in re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]):
            assert label in ("query", "route", "job", "collection")


def test_each_alert_has_its_section_in_the_guide() -> None:
    sections = re.findall(r"^## (\w+)$", (ROOT / "docs/how-to/alerts.md").read_text(), re.MULTILINE)
    assert sections == [rule["alert"] for rule in RULES]


def test_prometheus_asks_where_the_stream_answers() -> None:
    (target,) = SCRAPES["scrape_configs"][0]["static_configs"][0]["targets"]
    (dashboard,) = SCRAPES["scrape_configs"][1]["static_configs"][0]["targets"]
    assert dashboard == "dashboard:9404"
    proxy = (DEPLOY / "proxy/nginx.conf").read_text()
    assert "listen 9404;" in proxy
    assert f"proxy_pass http://127.0.0.1:{load_settings().dashboard.metrics_port}/metrics;" in proxy
    assert target == f"127.0.0.1:{load_settings().stream.metrics_port}"
    assert SCRAPES["rule_files"] == ["rules.yml"]


def test_grafana_finds_its_source() -> None:
    sources = yaml.safe_load((DEPLOY / "grafana/provisioning/datasources/prometheus.yaml").read_text())
    uid = sources["datasources"][0]["uid"]
    for panel in BOARD["panels"]:
        assert {target["datasource"]["uid"] for target in panel["targets"]} == {uid}
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in BOARD["panels"]]
    assert len(set(places)) == len(places)
    assert len({panel["id"] for panel in BOARD["panels"]}) == len(places)
