"""Writes `aio/`, the asynchronous client, from `sync/`: the two differ only in the words of this file.

    python client/scripts/write_async.py

A test compares the result with the files.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent / "src" / "fooocus_api_client"
AWAITED = (
    r"self\._transport\.(?:call|answer)|self\._http\.request|self\.(?:get|answer|download|tasks\.wait)|time\.sleep"
)
WORDS: list[tuple[str, str]] = [
    (r"^( *)def (?!__init__|url)", r"\1async def "),
    (r"\b__enter__", "__aenter__"),
    (r"\b__exit__", "__aexit__"),
    (rf"(?<!def )(?<![\w.])((?:{AWAITED})\()", r"await \1"),
    (r"\b(self\.close|self\._transport\.close)\(\)", r"await \1()"),
    (r"\bresponse\.read\(\)", "await response.aread()"),
    (r"self\._http\.close\(\)", "await self._http.aclose()"),
    (r"\bwith (self\._http\.stream)", r"async with \1"),
    (
        r"\bfor (\w+) in ((?:self\.(?:_transport\.(?:events|chunks)|watch)|response\.aiter_bytes)\()",
        r"async for \1 in \2",
    ),
    (r"\bfor (\w+) in response\.iter_bytes\(", r"async for \1 in response.aiter_bytes("),
    (r"\bIterator\b", "AsyncIterator"),
    (r"\bhttpx\.Client\b", "httpx.AsyncClient"),
    (r"\bclass Client\b", "class AsyncClient"),
    (r"-> Client\b", "-> AsyncClient"),
    (r"^( *)(on_\w+\(\w+\))$", r"\1result = \2\n\1if isawaitable(result):\n\1    await result"),
    (r"\btime(?=\.sleep|$)", "asyncio"),
]
"""Pattern → its replacement, in this order."""
QUOTES = '"""'
WRITTEN = "Written by client/scripts/write_async.py from sync/{name}: change that, and run it again."


def main() -> None:
    """Write all modules."""
    parser = argparse.ArgumentParser(description="Write the asynchronous client from the synchronous one.")
    parser.add_argument("--out", type=Path, default=PACKAGE / "aio", help="folder of the modules")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for path in sorted((PACKAGE / "sync").glob("*.py")):
        (options.out / path.name).write_text(asynchronous(path), "utf-8", newline="\n")


def asynchronous(path: Path) -> str:
    """Return the asynchronous form of a module."""
    if path.name == "__init__.py":
        return '"""The asynchronous client, written from `sync/` by client/scripts/write_async.py."""\n'
    text = path.read_text("utf-8")
    for pattern, replacement in WORDS:
        text = re.sub(pattern, replacement, text, flags=re.MULTILINE)
    if "isawaitable(" in text:
        text = re.sub(r"^(from collections\.abc .*)$", r"\1\nfrom inspect import isawaitable", text, flags=re.MULTILINE)
    first, _, rest = text.partition("\n")
    opening = first[: -len(QUOTES)]
    return f"{opening}\n\n{WRITTEN.format(name=path.name)}\n{QUOTES}\n{rest}"


if __name__ == "__main__":
    main()
