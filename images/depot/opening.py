"""Opens the depot that a flag names."""

from __future__ import annotations

import uuid
from pathlib import Path

from .depot import Depot, DepotProblem, DepotUnavailable
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


def check_depot(depot: Depot) -> None:
    """Make sure that files can be written, read and deleted, for a process that starts.

    Raises:
        DepotProblem: they can't; the message gives the reason and a remedy.
    """
    key, content = f".check/{uuid.uuid4().hex}", b"written by Fooocus API to see whether it can"
    try:
        depot.put(key, content)
        found = depot.local(key)
        is_same = found is not None and found.read_bytes() == content
        stay = depot.delete([key])
    except (DepotUnavailable, FileNotFoundError) as error:
        raise DepotProblem(f"--api-files can't be used: {error.strerror or error}") from error
    if not is_same or stay:
        raise DepotProblem(
            "--api-files can't be used: what is written there can't be read or deleted; check its permissions"
        )
