"""A Fooocus checkout: finding one, and what installing needs to know of it. Used all over this room."""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..adapters.signature import UnknownSignature
from ..adapters.signature_reader import read_signature
from .errors import InstallError

MARKS = ("launch.py", "webui.py", "fooocus_version.py", "modules/async_worker.py")
"""Files that together only a Fooocus checkout has."""
EMBEDDED = ("python_embeded", "python_embedded")
"""Names of the portable package's folder of Python: Fooocus's own spelling, and what some call it who repack it."""
WORKER = "modules/async_worker.py"


@dataclass(frozen=True)
class Checkout:
    """A folder with Fooocus in it."""

    path: Path

    @property
    def version(self) -> str:
        """What its fooocus_version.py says, such as `2.5.5` or `2.6.5 (mashb1t)`, else `unknown`."""
        text = (self.path / "fooocus_version.py").read_text(encoding="utf-8", errors="replace")
        match = re.search(r"""^version\s*=\s*['"](.+?)['"]""", text, re.MULTILINE)
        return match[1] if match else "unknown"

    @property
    def extensions(self) -> Path:
        """Fooocus itself ignores this folder, and so does its git."""
        return self.path / "extensions"

    @property
    def extension(self) -> Path:
        """Where our extension lies, or would."""
        return self.extensions / "fooocus_api"

    @property
    def outputs(self) -> Path:
        """The folder of images: environment, else config.txt, else `outputs`, as Fooocus looks for it.

        Raises:
            InstallError: config.txt can't be read.
        """
        chosen = os.environ.get("path_outputs") or self._configured("path_outputs")
        return (self.path / (chosen or "outputs")).resolve()

    def _configured(self, key: str) -> str | None:
        config = Path(os.environ.get("config_path") or self.path / "config.txt")
        if not config.is_file():
            return None
        try:
            value = json.loads(config.read_text(encoding="utf-8")).get(key)
        except (OSError, ValueError, AttributeError) as error:
            raise InstallError(f"{config} can't be read: {error}") from error
        return value if isinstance(value, str) else None


def find_checkout(given: Path | None, start: Path) -> Checkout:
    """Return the checkout at `given`, else the nearest around `start`, the working directory and this Python.

    Raises:
        InstallError: there is none.
    """
    if given is not None:
        path = given.expanduser().resolve()
        if not path.is_dir():
            raise InstallError(f"{path} is not a folder: give the folder of Fooocus, the one with launch.py")
        missing = [mark for mark in MARKS if not (path / mark).is_file()]
        if missing and (path / WORKER).is_file():
            raise InstallError(f"{path} is a fork of Fooocus that the API can't work with: {_reason(path, missing[0])}")
        if missing:
            raise InstallError(f"{path} is not a Fooocus checkout: it has no {missing[0]}")
        return Checkout(path)
    found = next(iter(_around(start, Path(sys.executable))), None)
    if found is not None:
        return Checkout(found)
    raise InstallError(_nothing_around(start, sys.platform))


def own_python(checkout: Path) -> Path | None:
    """Return the Python of the portable package that a checkout belongs to, None for any other checkout."""
    found = (checkout.parent / name / "python.exe" for name in EMBEDDED)
    return next(filter(Path.is_file, found), None)


def _around(start: Path, python: Path) -> Iterator[Path]:
    """Yield the checkouts that a person may mean who names none, the likeliest first.

    Those above this file and the working directory; those of the portable package that these or this Python lie in; then
    one beside this file or in the working directory, where there is exactly one.
    """
    here = Path.cwd()
    above = (start, *start.parents, here, *here.parents)
    yield from filter(_is_checkout, above)
    packages = [folder for folder in above if any((folder / name / "python.exe").is_file() for name in EMBEDDED)]
    if python.name:
        yield from filter(_is_checkout, python.parents)
        packages.append(python.parent.parent)
    for folder in packages:
        yield from filter(_is_checkout, (folder / "Fooocus",))
    for folder in (*packages, start.parent, start.parent.parent, here, here.parent):
        try:
            inside = [child for child in sorted(folder.iterdir()) if _is_checkout(child)]
        except OSError:  # a folder that may not be listed
            continue
        if len(inside) == 1:
            yield inside[0]


def _nothing_around(start: Path, system: str) -> str:
    if system == "win32":
        return (
            f"there is no Fooocus around {start}; move this folder beside the folder Fooocus of the portable package, "
            f'or name both: `C:\\path\\to\\python_embeded\\python.exe -s "{start / "install.py"}" C:\\path\\to\\Fooocus`'
        )
    return f"no Fooocus checkout around {start}: name it, as in `python install.py FOOOCUS_DIR`"


def _is_checkout(folder: Path) -> bool:
    return all((folder / mark).is_file() for mark in MARKS)


def _reason(fork: Path, missing: str) -> str:
    try:
        read_signature((fork / WORKER).read_text(encoding="utf-8"))
    except (UnknownSignature, SyntaxError, UnicodeDecodeError, OSError) as error:
        return str(error)
    return f"it has no {missing}"


def require_writable(folder: Path) -> None:
    """Find out now that a folder can't be written, not in the middle of the work.

    Raises:
        InstallError: it can't be.
    """
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    try:
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        raise InstallError(f"{existing} can't be written: {error.strerror or error}") from error
