"""The command lines of a gateway and of a node."""

from __future__ import annotations

import argparse
from types import SimpleNamespace

import pytest

from fooocus_api.adapters.startup.launch_flags import add_flags
from fooocus_api.gateway.flags import read_flags

PLACE = ("--api-db", "postgresql://db/x", "--api-files", "s3://bucket")


def test_a_gateway_needs_the_nodes_database(capsys: pytest.CaptureFixture[str]) -> None:
    for flags in ([], ["--api-db", "sqlite:///x"]):
        with pytest.raises(SystemExit):
            read_flags(flags)
        assert "the PostgreSQL of the nodes" in capsys.readouterr().err
    settings = read_flags([*PLACE, "--listen", "--max-pending", "5", "--log-level", "debug"])
    assert (settings.listen, settings.port, settings.max_pending, settings.log_level) == ("0.0.0.0", 7865, 5, "debug")


def test_a_gateway_needs_the_nodes_images(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        read_flags(["--api-db", "postgresql://db/x"])
    assert "--api-files is needed" in capsys.readouterr().err


@pytest.mark.parametrize("flag", ["--nowebui", "--api-port=1", "--model-disk-reserve=3"])
def test_flags_of_a_host_are_refused(flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        read_flags([*PLACE, flag])
    assert "unrecognized arguments" in capsys.readouterr().err


@pytest.mark.parametrize(("text", "seconds"), [("0", 0.0), ("0.5", 0.5), ("-1", None), ("-0.001", None), ("nan", None)])
def test_a_free_node_may_leave_no_task_to_others(
    text: str, seconds: float | None, capsys: pytest.CaptureFixture[str]
) -> None:
    parser = argparse.ArgumentParser()
    add_flags(SimpleNamespace(parser=parser))  # type: ignore[arg-type]
    if seconds is not None:
        assert parser.parse_args([f"--affinity-wait={text}"]).affinity_wait == seconds
        return
    with pytest.raises(SystemExit):
        parser.parse_args([f"--affinity-wait={text}"])
    assert "--affinity-wait" in capsys.readouterr().err
