"""Opens the depot that a flag names."""

from __future__ import annotations

from pathlib import Path

from .depot import Depot
from .folder import FolderDepot
from .local_copies import LocalCopies
from .objects import ObjectDepot

SCHEME = "s3://"


def open_depot(place: Path | str, copies: Path) -> Depot:
    """Return the depot in a folder or at `s3://bucket/prefix`. Contacts no server.

    Args:
        copies: folder of this process for what it fetches from an object store.

    Raises:
        DepotProblem: it can't be used; the message gives the reason and a remedy.
    """
    if isinstance(place, str) and place.startswith(SCHEME):
        return ObjectDepot(place, LocalCopies(copies))
    return FolderDepot(Path(place))
