"""The Fooocus checkout that receives the models."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

MEGABYTE = 2**20


@dataclass(frozen=True)
class Checkout:
    """A Fooocus checkout, and the options of the run that writes into it."""

    root: Path
    """An absolute path."""
    force: bool = False
    """True if files that exist already are written again."""
    nsfw: str = "all"
    """The pictures that the safety checker flags: `all` or `none`."""

    def model(self, *parts: str) -> Path:
        """Return a path under the folder `models`, and create its folder."""
        path = self.root.joinpath("models", *parts)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def wants(self, path: Path) -> bool:
        """Return whether a file is still to be written; print a line if it is not."""
        if path.exists() and not self.force:
            self._print("kept", path)
            return False
        return True

    def report(self, path: Path) -> None:
        """Print that a file was written."""
        size, note = path.stat().st_size, ""
        if size > 2 * on_disk(path) + MEGABYTE:
            note = f"  (sparse file, {size / MEGABYTE:.0f} MB long)"
        self._print("wrote", path, note)

    def _print(self, verb: str, path: Path, note: str = "") -> None:
        size = f"{on_disk(path) / MEGABYTE:.2f} MB"
        print(f"  {verb:5}  {size:>10}  {path.relative_to(self.root)}{note}")


def on_disk(path: Path) -> int:
    """Return the bytes that a file takes on the disk; its length, where the system counts no blocks (Windows)."""
    status = path.stat()
    blocks: int | None = getattr(status, "st_blocks", None)
    return status.st_size if blocks is None else blocks * 512
