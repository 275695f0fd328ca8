"""The command line of a gateway."""

from __future__ import annotations

import pytest

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
