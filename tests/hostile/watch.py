"""A second client, in a process of its own, that polls a cheap route: `python watch.py HOST PORT`.

For each input line it prints the longest response time in seconds since the line before.
"""

from __future__ import annotations

import http.client
import sys
import threading
import time

PAUSE_S = 0.02
"""Pause between requests, so that they leave the processor to the host."""


def main(host: str, port: int) -> None:
    wanted = threading.Event()
    threading.Thread(target=_listen, args=(wanted,), daemon=True).start()
    connection = http.client.HTTPConnection(host, port, timeout=60)
    longest = 0.0
    while True:
        began = time.perf_counter()
        connection.request("GET", "/v1/nothing")
        connection.getresponse().read()
        longest = max(longest, time.perf_counter() - began)
        if wanted.wait(PAUSE_S):
            wanted.clear()
            print(longest, flush=True)
            longest = 0.0


def _listen(wanted: threading.Event) -> None:
    for _ in sys.stdin:
        wanted.set()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
