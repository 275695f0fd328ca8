"""`--bench`: a table for readers, and a last line of JSON for programs."""

from __future__ import annotations

import json
import multiprocessing
import subprocess
import sys

import pytest

from fooocus_api.benchmarks import listeners
from fooocus_api.benchmarks.frame import BENCHMARKS, STRESS_TESTS, Options, Row, chosen, main, module_of, names
from fooocus_api.benchmarks.support.event_readers import Readers
from fooocus_api.benchmarks.support.null_engine import STEPS, BareHost
from fooocus_api.tests.support.host import ROOT


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command that install.py --bench runs once its environment exists."""
    command = [sys.executable, str(ROOT / "benchmarks"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT)


def test_a_benchmark_prints_a_table_and_the_same_as_json() -> None:
    done = bench("event_cost", "--rounds", "20")
    assert done.returncode == 0, done.stderr
    *table, last = done.stdout.splitlines()
    (row,) = [row for row in json.loads(last)["event_cost"] if row["event"] == "preview"]
    assert row["extended_p50_us"] > 0
    assert any(line.startswith("preview") and f"{row['extended_p50_us']:.2f}" in line for line in table)


@pytest.mark.skipif(sys.platform == "win32", reason="the bare host reads its tasks from a named pipe in a folder")
def test_the_bare_host_generates() -> None:
    host = BareHost(step_ms=1)
    with host:
        timing = host.draw()
    assert timing.pop < timing.finish <= timing.done and len(timing.previews) == STEPS


def test_an_unknown_one_is_named_with_those_there_are() -> None:
    done = bench("speed")
    assert done.returncode == 2 and "speed" in done.stderr and "event_cost" in done.stderr


def test_what_runs_by_name_alone_is_said() -> None:
    assert "all but cluster, cluster_soak, dashboard, other_api, soak" in " ".join(bench("--help").stdout.split())
    assert "soak" in names() and "soak" not in chosen([])[0] and chosen(["soak"])[0] == ["soak"]


def test_what_this_system_cannot_measure_is_skipped_with_the_reason(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(_: Options) -> list[Row]:
        Readers("http://127.0.0.1:1", [])
        raise AssertionError("it has begun to measure")

    monkeypatch.setattr(multiprocessing, "get_all_start_methods", lambda: ["spawn"])
    monkeypatch.setattr(listeners, "run", run)
    assert main(["listeners"]) == 0
    assert "no fork" in json.loads(capsys.readouterr().out.splitlines()[-1])["listeners"]["skipped"]


def test_every_module_that_can_be_run_is_listed() -> None:
    runnable = {
        path.stem
        for folder in (ROOT / "benchmarks", ROOT / "tests" / "stress")
        for path in folder.glob("*.py")
        if "\ndef run(" in path.read_text("utf-8")
    }
    assert runnable == {*BENCHMARKS, *STRESS_TESTS.values()}
    assert all(callable(module_of(name).run) for name in names())
