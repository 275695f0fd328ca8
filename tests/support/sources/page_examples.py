"""Code blocks of the documentation's pages, and the way each of them is tested.

A block of Python, JSON or a `curl` command is run as it stands. Any other block needs a comment on the line above it that is
invisible on the page: `<!-- run by tests/… -->` names the test file that runs it, `<!-- not run: REASON -->` gives the reason.
Blocks of the language `text` are not code.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

BLOCK = re.compile(
    r"^(?:<!-- (?P<marker>.+?) -->\n)?```(?P<language>\w*)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL
)


@dataclass(frozen=True)
class PageExample:
    """One code block of a page; `line` is the line of its first line of code, `marker` the comment above it."""

    page: Path
    line: int
    language: str
    code: str
    marker: str

    @property
    def commands(self) -> list[str]:
        """Lines of a shell example."""
        return self.code.splitlines()

    @property
    def runs_as_it_stands(self) -> bool:
        """True if the test harness runs the block itself."""
        if self.marker:
            return False
        if self.language in ("shell", "bash"):
            return all(command.startswith("curl ") for command in self.commands)
        return self.language in ("python", "json")


def examples_of(page: Path) -> list[PageExample]:
    """Return the code blocks of a page, except those of the language `text`."""
    text = page.read_text("utf-8")
    found = [
        PageExample(
            page, text.count("\n", 0, match.start("code")) + 1, match["language"], match["code"], match["marker"] or ""
        )
        for match in BLOCK.finditer(text)
    ]
    return [example for example in found if example.language != "text"]
