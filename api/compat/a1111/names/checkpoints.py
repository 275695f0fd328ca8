"""Model files by the names that AUTOMATIC1111's clients use: titles with a hash, file names, stems, hashes."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .....tasks.model.workload.model_files import portable
from ....context import Catalog

HASH_LENGTH = 10
"""Characters of a file's hash in its title."""
_SUFFIX = re.compile(r"\s*\[[0-9a-f]{4,64}\]$", re.IGNORECASE)
_HASH = re.compile(r"[0-9a-f]{8,64}", re.IGNORECASE)
ENDINGS = (".safetensors", ".ckpt", ".pth", ".pt", ".bin")
MAX_NAME_LENGTH = 1000
"""Characters of a name that is looked for."""
NO_FILE = ("", "none", "automatic", "default")
"""Names, in lower case, that mean no VAE file."""


@dataclass(frozen=True)
class ModelName:
    """A model file under the names of this API. `hash` is the start of its SHA-256, None unless Fooocus knows it."""

    file: str
    hash: str | None

    @property
    def title(self) -> str:
        """Its file, and its hash in brackets."""
        return f"{self.file} [{self.hash}]" if self.hash else self.file

    @property
    def stem(self) -> str:
        """Its file without the ending."""
        return stem_of(self.file)


def listed(catalog: Catalog, kind: str) -> list[ModelName]:
    """Return the files of a catalog such as `model_files`. Reads the folders: off the event loop."""
    hashes = catalog.hashes(kind)
    return [ModelName(file, (hashes.get(file) or "")[:HASH_LENGTH] or None) for file in catalog.names(kind)]


def titled(catalog: Catalog, file: str) -> ModelName:
    """Return a checkpoint under its names, also one that is missing. Off the event loop."""
    return next((one for one in listed(catalog, "model_files") if one.file == file), ModelName(file, None))


def find_file(catalog: Catalog, kind: str, text: str) -> str | None:
    """Return the file that a title, a file name, a stem, a path or a hash names, None without one. Off the event loop.

    A name that is not found is looked for again after a scan of the folders, as its file may be new.
    """
    if len(text) > MAX_NAME_LENGTH:
        return None
    found = _find(catalog, kind, text)
    if found is None:
        catalog.refresh()
        found = _find(catalog, kind, text)
    return found


def stem_of(file: str) -> str:
    """Return a file's name with its folder and without its ending, with forward slashes."""
    path = portable(file).as_posix()
    return next((path[: -len(ending)] for ending in ENDINGS if path.casefold().endswith(ending)), path)


def _find(catalog: Catalog, kind: str, text: str) -> str | None:
    files = catalog.names(kind)
    wanted = portable(_SUFFIX.sub("", text.strip())).as_posix().casefold()
    forms = [{file: portable(file).as_posix().casefold() for file in files}]
    forms.append({file: stem_of(file).casefold() for file in files})
    forms.append({file: portable(file).name.casefold() for file in files})
    forms.append({file: stem_of(portable(file).name).casefold() for file in files})
    for form in forms:
        for file, name in form.items():
            if name == wanted:
                return file
    last = wanted.rpartition("/")[2]
    for form in forms[2:] if last != wanted else ():  # a path of the client's own machine
        for file, name in form.items():
            if name == last:
                return file
    if _HASH.fullmatch(wanted):
        for file, known in catalog.hashes(kind).items():
            if known[:HASH_LENGTH].casefold().startswith(wanted[:HASH_LENGTH]):
                return file
    return None
