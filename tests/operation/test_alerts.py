"""The alert rules, docs/grafana/alerts.yml, evaluated by Prometheus's own tool over series of a cluster and of a paused host."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
import yaml  # type: ignore[import-untyped]

from fooocus_api.tests.support.host import ROOT

if TYPE_CHECKING:
    from pathlib import Path

PROMTOOL = shutil.which("promtool")
RULES = ROOT / "docs" / "grafana" / "alerts.yml"
HOURS = "x120"
"""Repeats a value each minute for two hours."""

pytestmark = pytest.mark.skipif(PROMTOOL is None, reason="promtool, of Debian's package prometheus, is not installed")


def series(name: str, instance: str, values: str, **labels: str) -> dict[str, str]:
    labels |= {"job": "fooocus", "instance": instance}
    inner = ",".join(f'{label}="{value}"' for label, value in labels.items())
    return {"series": f"fooocus_api_{name}{{{inner}}}", "values": values}


def firing(folder: Path, alert: str, instances: list[str], given: list[dict[str, str]]) -> bool:
    """Return whether the alert fires for exactly these hosts after an hour."""
    alerts = [{"exp_labels": {"job": "fooocus", "instance": one, **severity(alert)}} for one in instances]
    for expected in alerts:
        expected["exp_annotations"] = texts(alert, expected["exp_labels"]["instance"])
    case = {"eval_time": "1h", "alertname": alert, "exp_alerts": alerts}
    file = folder / "test.yml"
    tests = [{"interval": "1m", "input_series": given, "alert_rule_test": [case]}]
    file.write_text(yaml.safe_dump({"rule_files": [str(RULES)], "tests": tests}), "utf-8")
    assert PROMTOOL is not None
    return subprocess.run([PROMTOOL, "test", "rules", str(file)], capture_output=True).returncode == 0


def rule(alert: str) -> Any:
    return next(one for one in yaml.safe_load(RULES.read_text("utf-8"))["groups"][0]["rules"] if one["alert"] == alert)


def severity(alert: str) -> dict[str, str]:
    labels: dict[str, str] = rule(alert)["labels"]
    return labels


def texts(alert: str, instance: str) -> dict[str, str]:
    return {name: text.replace("{{ $labels.instance }}", instance) for name, text in rule(alert)["annotations"].items()}


def node(index: int, *, busy: list[int], events: str) -> list[dict[str, str]]:
    """Return the series of one process of a cluster of two, where those nodes run a task."""
    instance, names = f"box-{index}:7865", ["node-0", "node-1"]
    return [
        series("tasks_running", instance, f"{len(busy)}+0{HOURS}"),
        series("events_total", instance, events, kind="progress"),
        series("process_info", instance, f"1+0{HOURS}", node=names[index], queue=names[0], role="node"),
        *(
            series("node_busy", instance, f"{int(other in busy)}+0{HOURS}", node=name, role="node")
            for other, name in enumerate(names)
        ),
    ]


def test_an_idle_node_does_not_hang_while_another_generates(tmp_path: Path) -> None:
    given = node(0, busy=[1], events=f"7+0{HOURS}") + node(1, busy=[1], events=f"7+9{HOURS}")
    assert firing(tmp_path, "FooocusTaskHangs", [], given)


def test_a_node_whose_task_reports_nothing_hangs(tmp_path: Path) -> None:
    given = node(0, busy=[0, 1], events=f"7+9{HOURS}") + node(1, busy=[0, 1], events=f"7+0{HOURS}")
    assert firing(tmp_path, "FooocusTaskHangs", ["box-1:7865"], given)


@pytest.mark.parametrize("is_paused", [False, True])
def test_a_queue_is_stuck_unless_it_is_paused(tmp_path: Path, is_paused: bool) -> None:
    values = {"queue_length": 3, "tasks_running": 0, "paused": int(is_paused)}
    given = [series(name, "box:7865", f"{value}+0{HOURS}") for name, value in values.items()]
    assert firing(tmp_path, "FooocusQueueStuck", [] if is_paused else ["box:7865"], given)
