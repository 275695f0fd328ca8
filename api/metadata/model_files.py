"""Finds this host's files for the models that parameters name: by hash, by name, by the name without folder and ending."""

from __future__ import annotations

from pathlib import PurePosixPath

from ...asgi.problem import shortened
from ...tasks.model.workload.model_files import listed_as, portable
from ..context import Catalog
from .draft import Draft, Match, ModelMatch

HASH_LENGTH = 10
"""Characters of a hash that Fooocus and A1111 write, the start of the file's SHA-256."""
ENDINGS = (".safetensors", ".ckpt", ".pth", ".pt", ".bin", ".patch")
MAX_CANDIDATES = 10


class _Index:
    """The files of one catalog, by everything that they are found by."""

    def __init__(self, catalog: Catalog, kind: str) -> None:
        self.names = list(dict.fromkeys(catalog.names(kind)))
        self.hashes = {name: digest for name, known in catalog.hashes(kind).items() if (digest := short(known))}
        self.by_hash: dict[str, list[str]] = {}
        self.by_stem: dict[str, list[str]] = {}
        for name in self.names:
            if name in self.hashes:
                self.by_hash.setdefault(self.hashes[name], []).append(name)
            for key in {stem(name), PurePosixPath(portable(name)).stem, _flat(name)}:
                self.by_stem.setdefault(key, []).append(name)


class ModelFiles:
    """The host's files, read once per request, and again for the first name that is missing."""

    def __init__(self, catalog: Catalog, draft: Draft) -> None:
        self._catalog = catalog
        self._draft = draft
        self._refreshed = False
        self._indices: dict[str, _Index] = {}

    def find(
        self, field: str, kind: str, name: str, digest: str | None = None, *, is_sha256: bool = True
    ) -> str | None:
        """Return the file for a name, None without exactly one. Notes the match, and a missing file as unmapped.

        Args:
            kind: a catalog of files, such as `lora_files`.
            digest: the file's hash in the parameters.
            is_sha256: a name's file with another hash is another version of the model.
        """
        match, files = self._match(kind, name, digest)
        if match == "none" and not self._refreshed:
            self._catalog.refresh()  # the file may be new in its folder
            self._refreshed = True
            self._indices.clear()
            match, files = self._match(kind, name, digest)
        file = files[0] if len(files) == 1 else None
        candidates = files[:MAX_CANDIDATES] if len(files) > 1 else None
        self._draft.models.append(
            ModelMatch(field=field, name=name, hash=digest, match=match, file=file, candidates=candidates)
        )
        self._explain(field, kind, name, digest if is_sha256 else None, file, candidates)
        return file

    def _match(self, kind: str, name: str, digest: str | None) -> tuple[Match, list[str]]:
        index = self._index(kind)
        same = index.by_hash.get(short(digest) or "")
        if same:
            return "hash", sorted(same, key=lambda file: stem(file) != stem(name))[:1]  # copies of one file are equal
        listed = listed_as(name, index.names)
        if listed is not None:
            return "exact", [listed]
        found = index.by_stem.get(name) or index.by_stem.get(stem(name)) or []
        return ("none" if not found else "stem" if len(found) == 1 else "ambiguous"), found

    def _index(self, kind: str) -> _Index:
        if kind not in self._indices:
            self._indices[kind] = _Index(self._catalog, kind)
        return self._indices[kind]

    def _explain(
        self, field: str, kind: str, name: str, digest: str | None, file: str | None, candidates: list[str] | None
    ) -> None:
        shown = shortened(name)
        if candidates is not None:
            self._draft.leave_out(field, name, "several files of this host have this name")
            self._draft.warn(
                f"{shown!r} may be any of {', '.join(candidates)}; add the one that is meant to the request"
            )
        elif file is None:
            self._draft.leave_out(field, name, "this host has no such file")
            if field == "base_model_name":
                self._draft.warn(f"this host has no model {shown!r}; the request uses the host's default model")
        else:
            known = self._index(kind).hashes.get(file)
            if known and short(digest) and known != short(digest):
                self._draft.warn(
                    f"{file!r} has another hash than the model {shown!r} in the file: the image may differ"
                )


def short(digest: str | None) -> str | None:
    """Return the part of a hash that is compared, None for a hash of another kind."""
    return digest.lower()[:HASH_LENGTH] if digest is not None and len(digest) >= HASH_LENGTH else None


def stem(name: str) -> str:
    """Return a file's name without its folder and its ending. A version at its end, as in `lora_1.0`, is no ending."""
    last = portable(name).name
    return next((last[: -len(ending)] for ending in ENDINGS if last.lower().endswith(ending)), last)


def _flat(file: str) -> str:
    """Return a file's name with its folders as A1111 writes them: `folder_name`."""
    return "_".join([*portable(file).parent.parts, stem(file)])
