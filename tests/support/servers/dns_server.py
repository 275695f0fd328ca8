"""A DNS server and an interpreter that queries it, for tests of hostile DNS names. Linux, as root."""

from __future__ import annotations

import os
import shlex
import shutil
import socket
import struct
import subprocess
import sys
import threading
from ipaddress import ip_address
from pathlib import Path

_WORKER = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
_SERVER = f"127.0.0.{153 + int(_WORKER)}"
"""Address of this test process: several run at once, each with DNS records of its own."""
_TYPES = {1: 4, 28: 6}
"""Record types A and AAAA → version of the IP address."""


class Names:
    """A DNS server that serves the addresses in `answers`: for each name, one list of addresses per query, and the last list
    for every later query. A name without any list gets no reply. The TTL is 0, so that no resolver caches a reply.
    """

    def __init__(self, answers: dict[str, list[list[str]]]) -> None:
        self.answers = answers
        self.asked: dict[tuple[str, int], int] = {}
        """Name and version of the IP address → number of queries."""
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Names:
        """Raise OSError if the process may not listen on port 53."""
        self._socket.bind((_SERVER, 53))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", (_SERVER, 53))
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while True:
            packet, client = self._socket.recvfrom(512)
            if not packet:
                return
            if reply := self._reply(packet):
                self._socket.sendto(reply, client)

    def _reply(self, packet: bytes) -> bytes:
        """Return the reply to a query, empty if the server is to stay silent."""
        labels, at = [], 12
        while length := packet[at]:
            labels.append(packet[at + 1 : at + 1 + length].decode().lower())
            at += length + 1
        name, question = ".".join(labels), packet[12 : at + 5]
        (kind,) = struct.unpack("!H", packet[at + 1 : at + 3])
        version = _TYPES.get(kind, 0)
        known = self.answers.get(name)
        times = self.asked[name, version] = self.asked.get((name, version), 0) + 1
        if known == []:
            return b""
        addresses = known[min(times, len(known)) - 1] if known else []
        found = [ip_address(text).packed for text in addresses if ip_address(text).version == version]
        records = [b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 0, len(data)) + data for data in found]
        flags = 0x8180 if known else 0x8183
        return packet[:2] + struct.pack("!HHHHH", flags, 1, len(records), 0, 0) + question + b"".join(records)


def python_that_asks_us(folder: Path) -> Path | None:
    """Write an interpreter, as a script in `folder`, that resolves names through `Names`. Return None if that fails here.

    It has a mount namespace of its own, with another /etc/resolv.conf: the system's real resolver is what runs.
    """
    resolver, names, script = folder / "resolv.conf", folder / "nsswitch.conf", folder / "python"
    resolver.write_text(f"nameserver {_SERVER}\noptions timeout:1 attempts:1\n")
    names.write_text("hosts: files dns\n")
    mounts = " && ".join(
        f"mount --bind {shlex.quote(str(file))} /etc/{file.name}"
        for file in (resolver, names)
        if Path("/etc", file.name).exists()
    )
    run = f'{mounts} && exec {shlex.quote(sys.executable)} "$@"'
    script.write_text(f'#!/bin/sh\nexec unshare -m sh -c {shlex.quote(run)} python "$@"\n')
    script.chmod(0o755)
    if sys.platform != "linux" or os.geteuid() != 0 or not shutil.which("unshare"):
        return None
    tried = subprocess.run([script, "-c", ""], capture_output=True)
    return script if tried.returncode == 0 else None
