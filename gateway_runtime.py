"""Composition root of a gateway: `extension.py gateway --api-db URL --api-files PLACE`."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path


def main(flags: Sequence[str]) -> None:
    """Serve a gateway until it is ended.

    Raises:
        SystemExit: it can't start, for the reason that is the exit's message, or SIGTERM has ended it.
    """
    from .gateway.flags import read_flags

    settings = read_flags(flags)
    try:
        from .cluster_runtime import place_of, rules_of, scheduler_of
        from .gateway.build import Place, build_gateway
        from .gateway.serving import begin, serve
    except ImportError as error:
        sys.exit(
            f"[Fooocus API] a gateway needs a package that is missing ({error.name}); run install.py with --cluster"
        )
    from .auth.keyring import Keyring
    from .cluster.shared_parts import OwnImages, SharedParts
    from .db.connection import DatabaseProblem
    from .db.membership import Membership
    from .db.repository import Repository
    from .db.writer import DatabaseUnavailable
    from .images.depot.depot import DepotProblem
    from .images.depot.opening import check_depot, open_depot
    from .tasks.storage.shared_secrets import key_row

    logs, termination = begin(settings)
    place = place_of(settings, "gateway")
    with ExitStack() as on_exit:
        on_exit.callback(logs.stop)
        folder = on_exit.enter_context(
            tempfile.TemporaryDirectory(prefix="fooocus-api-gateway-", ignore_cleanup_errors=True)
        )
        try:
            depot = open_depot(settings.api_files or "", Path(folder) / "depot")
            check_depot(depot)
            repository = Repository(settings.api_db or "", Membership(place.name, place.timeout_s))
            row = key_row(lambda: repository)
            parts = SharedParts(repository, place.name, depot, OwnImages(), row)
            on_exit.callback(parts.close)
            keys = Keyring((*settings.apikey, *settings.apikey_file), row)
            scheduler = scheduler_of(rules_of(settings))
            gateway = build_gateway(settings, Place(place, Path(folder), scheduler), repository, parts, keys)
            serve(gateway, settings, termination)
        except (DatabaseProblem, DatabaseUnavailable, DepotProblem) as error:
            sys.exit(f"[Fooocus API] {error}")
