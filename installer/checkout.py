"""A Fooocus checkout: how to find one, and its properties that the installation needs."""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..adapters.inspection.signature_reader import read_signature
from ..adapters.inspection.task_signature import UnknownSignature
from .errors import InstallError

MARKS = ("launch.py", "webui.py", "fooocus_version.py", "modules/async_worker.py")
"""Files that only a Fooocus checkout has all of."""
EMBEDDED = ("python_embeded", "python_embedded")
"""Names of the portable package's Python folder: Fooocus's own spelling, and the one of some repackagers."""
WORKER = "modules/async_worker.py"


@dataclass(frozen=True)
class Checkout:
    """A folder that contains Fooocus."""

    path: Path

    @property
    def version(self) -> str:
        """The version in its fooocus_version.py, such as `2.5.5` or `2.6.5 (mashb1t)`, else `unknown`."""
        text = (self.path / "fooocus_version.py").read_text(encoding="utf-8", errors="replace")
        match = re.search(r"""^version\s*=\s*['"](.+?)['"]""", text, re.MULTILINE)
        return match[1] if match else "unknown"

    @property
    def extensions(self) -> Path:
        """The folder of extensions; Fooocus and its git ignore it."""
        return self.path / "extensions"

    @property
    def extension(self) -> Path:
        """The folder of this extension, whether or not it exists."""
        return self.extensions / "fooocus_api"

    @property
    def outputs(self) -> Path:
        """The folder of images: from the environment, else config.txt, else `outputs`, as Fooocus determines it.

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
        InstallError: none was found.
    """
    if given is not None:
        path = given.expanduser().resolve()
        if not path.is_dir():
            raise InstallError(f"{path} is not a folder; name the folder of Fooocus that contains launch.py")
        missing = [mark for mark in MARKS if not (path / mark).is_file()]
        if missing and (path / WORKER).is_file():
            raise InstallError(f"{path} is a fork of Fooocus that is not supported: {_reason(path, missing[0])}")
        if missing:
            raise InstallError(f"{path} is not a Fooocus checkout: it has no {missing[0]}")
        return Checkout(path)
    found = next(iter(_around(start, Path(sys.executable))), None)
    if found is not None:
        return Checkout(found)
    raise InstallError(_nothing_around(start, sys.platform))


def own_python(checkout: Path) -> Path | None:
    """Return the Python of the portable package that contains a checkout, None for any other checkout."""
    found = (checkout.parent / name / "python.exe" for name in EMBEDDED)
    return next(filter(Path.is_file, found), None)


def _around(start: Path, python: Path) -> Iterator[Path]:
    """Yield the checkouts that may be meant if none is named, the likeliest first.

    First those above `start` and the working directory; then those of the portable package that contains these or this Python;
    then one next to `start` or in the working directory, if there is exactly one.
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
        except OSError:  # no permission to list the folder
            continue
        if len(inside) == 1:
            yield inside[0]


def _nothing_around(start: Path, system: str) -> str:
    if system == "win32":
        return (
            f"no Fooocus found around {start}; move this folder next to the folder Fooocus of the portable package, "
            f'or name both: `C:\\path\\to\\python_embeded\\python.exe -s "{start / "install.py"}" C:\\path\\to\\Fooocus`'
        )
    return f"no Fooocus checkout found around {start}; name it, as in `python install.py FOOOCUS_DIR`"


def _is_checkout(folder: Path) -> bool:
    return all((folder / mark).is_file() for mark in MARKS)


def _reason(fork: Path, missing: str) -> str:
    try:
        read_signature((fork / WORKER).read_text(encoding="utf-8"))
    except (UnknownSignature, SyntaxError, UnicodeDecodeError, OSError) as error:
        return str(error)
    return f"it has no {missing}"


def require_writable(folder: Path) -> None:
    """Check early that a folder can be written, so that the work does not fail half-way.

    Raises:
        InstallError: it can't be written.
    """
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    try:
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        raise InstallError(f"{existing} can't be written: {error.strerror or error}") from error
