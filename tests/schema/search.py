"""Runs schemathesis over the whole schema of a demo host: without a key, with one, and with ones that are refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from fooocus_api.tests.support.client import Client
from fooocus_api.tests.support.host import DEMO, Host, demo_host
from fooocus_api.tests.support.hosts.installation_copies import copy_checkout
from fooocus_api.tests.support.keys import add_key, key_of

HERE = Path(__file__).resolve().parent
EVERYTHING = "generate,read-all,control,admin"
PATIENCE = 2 * 3600
"""Time limit of one run in seconds; each request has a limit of its own in the configuration."""


@dataclass(frozen=True)
class Run:
    """Result of one run of schemathesis."""

    name: str
    seed: int
    cases: int
    seconds: float


@dataclass(frozen=True)
class Caller:
    """A client of a host: `key` is sent with each request, `admin` has all scopes there.

    Of schemathesis's phases "coverage" has the same cases each time. A caller that is `refused` nearly always tries fewer.
    """

    name: str
    host: Host
    admin: Client
    key: str | None
    phases: Sequence[str] = ("fuzzing",)
    refused: bool = False


def search(cases: int, seed: int, *, repeatable: bool = False) -> list[Run]:
    """Try at least `cases` cases of the schema of the API itself.

    Args:
        repeatable: the same cases for the same seed.

    Raises:
        AssertionError: an answer did not match the schema; the message is schemathesis's own, with curl commands.
    """
    runs: list[Run] = []
    with hosts() as callers:
        while sum(run.cases for run in runs) < cases:
            round_number = len(runs) // len(callers)
            for caller in callers:
                phases = caller.phases if round_number == 0 else [it for it in caller.phases if it != "coverage"]
                examples = cases // (1000 if caller.refused else 250)
                runs.append(run_of(caller, phases, seed + round_number, max(examples, 1), repeatable=repeatable))
                print(runs[-1], flush=True)
    return runs


@contextmanager
def hosts() -> Iterator[list[Caller]]:
    """Yield the callers of two hosts, one without keys. Fail if a traceback is in their logs at the end."""
    with schema_host() as without_keys, schema_host() as with_keys:
        yield _callers(without_keys, with_keys)
        for host in (without_keys, with_keys):
            assert "Traceback" not in host.log(), host.log()


@contextmanager
def schema_host() -> Iterator[Host]:
    """Start a host on a copy of the demo, whose model folders and presets the cases may change."""
    with tempfile.TemporaryDirectory(prefix="fooocus-api-schema-", ignore_cleanup_errors=True) as folder:
        checkout = copy_checkout(DEMO, Path(folder, "demo"))
        with demo_host("--demo-null", "32x32", step_ms=0, checkout=checkout) as host:
            yield host


def _callers(without_keys: Host, with_keys: Host) -> list[Caller]:
    anyone, holder = Client(without_keys.url), key_holder(with_keys)
    admin = holder.admin
    reader = add_key(with_keys, "reader", "--scopes", "read-all")
    hasty = add_key(with_keys, "hasty", "--requests-per-minute", "5")
    return [
        Caller("no key needed", without_keys, anyone, None, ("fuzzing", "stateful")),
        holder,
        Caller("no key", with_keys, admin, None, refused=True),
        Caller("key of one scope", with_keys, admin, key_of(reader), refused=True),
        Caller("key at its limit", with_keys, admin, key_of(hasty), refused=True),
    ]


def key_holder(host: Host) -> Caller:
    """Return the caller with a key of all scopes."""
    admin = add_key(host, "admin", "--scopes", EVERYTHING)
    return Caller("key", host, admin, key_of(admin), ("coverage", "fuzzing", "stateful"))


def run_of(
    caller: Caller,
    phases: Sequence[str],
    seed: int,
    examples: int,
    *,
    repeatable: bool,
    document: bytes | None = None,
    config: str = "schemathesis.toml",
) -> Run:
    """Try `examples` cases of each operation of a document in each phase.

    Args:
        repeatable: the same cases for the same seed.
        document: an OpenAPI document; by default that of the API itself.
        config: the name of schemathesis's configuration in this folder.

    Raises:
        AssertionError: an answer did not match the schema; the message is schemathesis's own, with curl commands.
    """
    output = urlsplit(caller.admin.draw(save_name="known")["result"][0]).path.removeprefix("/outputs/")
    every_key = caller.admin.session.headers.get("X-API-KEY", "")
    environment = {
        **os.environ,
        "SCHEMATHESIS_HOOKS": str(HERE / "hooks.py"),
        "FOOOCUS_API_SCHEMA_KEY": str(every_key),
        "FOOOCUS_API_SCHEMA_OUTPUT": output,
    }
    with tempfile.TemporaryDirectory(prefix="fooocus-api-schema-") as folder:
        schema, report = Path(folder, "openapi.json"), Path(folder, "report.json")
        schema.write_bytes(document or caller.admin.get("/v1/openapi.json").content)
        command = [
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(HERE / config)),
            *("run", str(schema), "--url", caller.host.url, "--phases", ",".join(phases), "--no-color"),
            *("--seed", str(seed), "--max-examples", str(examples), "--report-json-path", str(report)),
            *(["--generation-deterministic"] if repeatable else []),
            *(["--header", f"X-API-KEY: {caller.key}"] if caller.key else []),
        ]
        done = subprocess.run(
            command, env=environment, cwd=folder, capture_output=True, text=True, encoding="utf-8", timeout=PATIENCE
        )
        told = f"{config}, {caller.name}, seed {seed}:\n{done.stdout}{done.stderr}"
        assert done.returncode == 0, told
        result = json.loads(report.read_text(encoding="utf-8"))
    operations, tried = result["operations"], result["test_cases"]
    assert result["complete"] and operations["tested"] == operations["total"] > 0, told
    cases = tried["generated"] - tried["without_checks"] - tried["errored"]  # without those that a check sent by itself
    return Run(caller.name, seed, cases, round(result["running_time"], 1))
