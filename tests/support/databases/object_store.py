"""An S3-like server for tests: moto's, from an environment of its own. With its boto3 in the one of the hosts, Gradio would
load an AWS client at each start."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import subprocess
import tempfile

import requests

from fooocus_api.tests.support.client import wait_for
from fooocus_api.tests.support.host import free_port


def program() -> str | None:
    """Return the path of `moto_server`, None if it is not installed."""
    return shutil.which("moto_server")


class ObjectStore:
    """A server with buckets in its memory and a port of its own; it runs within its `with` block."""

    def __init__(self, program: str) -> None:
        self._program = program
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  # closed by `__exit__`
        self._numbers = itertools.count(1)

    def __enter__(self) -> ObjectStore:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._log.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which a process finds the server."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "tester",
            "AWS_SECRET_ACCESS_KEY": "secret",
        }

    def start(self) -> ObjectStore:
        """Start the server without buckets."""
        command = [self._program, "-H", "127.0.0.1", "-p", str(self.port)]
        environment = {**os.environ, "PYTHONWARNINGS": ""}
        self._process = subprocess.Popen(command, stdout=self._log, stderr=self._log, env=environment)
        wait_for(self._answers, "the object store to start", 60)
        return self

    def stop(self) -> None:
        """Kill the server; its buckets are lost."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(30)
            self._process = None

    def make(self, bucket: str) -> None:
        """Create a bucket."""
        requests.put(f"{self.url}/{bucket}", timeout=30).raise_for_status()

    def new_bucket(self) -> str:
        """Create a bucket and return its name."""
        name = f"bucket-{next(self._numbers)}"
        self.make(name)
        return name

    def _answers(self) -> bool:
        assert self._process is not None and self._process.poll() is None, "the object store has ended"
        with contextlib.suppress(requests.ConnectionError):
            return requests.get(self.url, timeout=5).ok
        return False
