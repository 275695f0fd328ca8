"""Metrics, and all that names them: the pages, the Grafana dashboard, and Prometheus's configuration and rules."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml  # type: ignore[import-untyped]
from prometheus_client.parser import text_string_to_metric_families

from fooocus_api.tests.support.host import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fooocus_api.tests.support.client import Client

FOLDER = ROOT / "docs" / "grafana"
DASHBOARD = json.loads((FOLDER / "fooocus-api.json").read_text("utf-8"))
RULES = yaml.safe_load((FOLDER / "alerts.yml").read_text("utf-8"))
CONFIGURATION = yaml.safe_load((FOLDER / "prometheus.yml").read_text("utf-8"))
PAGES = [ROOT / "docs" / "monitoring.md", ROOT / "docs" / "monitoring_zh.md"]
METRIC = re.compile(r"\bfooocus_api_\w+")
OF_GRAFANA = {"$__rate_interval": "5m", "$instance": ".*"}


@pytest.fixture(scope="module")
def families(client: Client) -> dict[str, Any]:
    """Return the families that a running host exports, by name, after a task has ended, without times of creation."""
    assert client.draw()["task_status"] == "finished"
    exported = text_string_to_metric_families(client.get("/metrics").text)
    return {family.name: family for family in exported if not family.name.endswith("_created")}


@pytest.fixture(scope="module")
def samples(families: dict[str, Any]) -> set[str]:
    """Return the names of the samples, which are those that expressions use."""
    return {sample.name for family in families.values() for sample in family.samples}


def expressions() -> Iterator[str]:
    """Yield all expressions of the dashboard and of the rules."""
    for panel in DASHBOARD["panels"]:
        yield from (target["expr"] for target in panel["targets"])
    for group in RULES["groups"]:
        yield from (rule["expr"] for rule in group["rules"])


def test_the_dashboard_and_the_rules_use_metrics_that_exist(samples: set[str]) -> None:
    used = {name for expression in expressions() for name in METRIC.findall(expression)}
    used |= set(METRIC.findall(json.dumps(DASHBOARD["templating"])))
    assert used - samples == set()


def test_the_dashboard_shows_every_metric(families: dict[str, Any]) -> None:
    shown = {
        name for panel in DASHBOARD["panels"] for target in panel["targets"] for name in METRIC.findall(target["expr"])
    }
    assert [name for name in families if not any(one.startswith(name) for one in shown)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_metric_has_a_row_with_its_labels(page: Any, families: dict[str, Any]) -> None:
    rows = dict(re.findall(r"^\| `(fooocus_api_\w+)` \| \w+ \| ([^|]*) \|", page.read_text("utf-8"), re.MULTILINE))
    expected = {}
    for name, family in families.items():
        labels = {label for sample in family.samples for label in sample.labels} - {"le"}
        expected[family.samples[0].name if family.type == "counter" else name] = labels  # a counter's has an ending
    assert {name: set(re.findall(r"`(\w+)`", labels)) for name, labels in rows.items()} == expected


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_alert_has_a_row(page: Any) -> None:
    alerts = [rule["alert"] for group in RULES["groups"] for rule in group["rules"]]
    assert re.findall(r"^\| `(Fooocus\w+)` \|", page.read_text("utf-8"), re.MULTILINE) == alerts


def test_every_rule_says_when_how_bad_and_what_to_do() -> None:
    for rule in (rule for group in RULES["groups"] for rule in group["rules"]):
        assert set(rule) == {"alert", "expr", "for", "labels", "annotations"}
        assert re.fullmatch(r"\d+m", rule["for"]) and rule["labels"]["severity"] in ("info", "warning", "critical")
        assert set(rule["annotations"]) == {"summary", "description"}


def test_prometheus_scrapes_the_metrics_with_a_key_from_a_file() -> None:
    (job,) = CONFIGURATION["scrape_configs"]
    assert job["metrics_path"] == "/metrics" and set(job["authorization"]) == {"credentials_file"}
    assert all((FOLDER / name).is_file() for name in CONFIGURATION["rule_files"])
    assert any(f'job="{job["job_name"]}"' in expression for expression in expressions())


def test_expressions_are_promql() -> None:
    parser = pytest.importorskip("promql_parser", reason="promql-parser is not installed: see requirements-dev.txt")
    for expression in expressions():
        for name, value in OF_GRAFANA.items():
            expression = expression.replace(name, value)
        parser.parse(expression)


def test_panels_of_the_dashboard_do_not_overlap() -> None:
    cells: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        own = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not own & cells and max(x for x, _ in own) < 24
        cells |= own
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
