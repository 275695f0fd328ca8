"""Starts the extension when Fooocus starts. A .pth file runs a copy of it from site-packages.

Every Python of that environment imports it: it must stay tiny, and do nothing outside Fooocus. Its launch.py
imports `args_manager` when the environment is ready and no patched module is loaded yet: that import triggers
the hook. The environment variable FOOOCUS_API_DISABLE=1 disables it.
"""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec


class ImportTrigger:
    """Meta-path finder, first in the list, that detects the import of `args_manager`."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> "ModuleSpec | None":
        """Start the extension when `args_manager` is imported from a Fooocus that has it.

        Otherwise return None. Once triggered, the finder removes itself and lets the others find the module.
        """
        if name != "args_manager" or path is not None:
            return None
        if os.environ.get("FOOOCUS_API_DISABLE", "0") not in ("", "0"):
            return None
        checkout = find_checkout()
        if not checkout:
            return None
        sys.meta_path.remove(self)
        try:
            start(checkout)
        except Exception as error:
            message = f"{type(error).__name__}: {error}"
            print(f"[Fooocus API] not started: {message}; Fooocus runs without it", file=sys.stderr)
        from importlib.util import find_spec

        return find_spec(name)


def find_checkout() -> str:
    """Return the folder of `args_manager` if it is a Fooocus with the extension, else ''."""
    from importlib.machinery import PathFinder

    spec = PathFinder.find_spec("args_manager")
    folder = os.path.dirname(os.path.abspath(spec.origin)) if spec and spec.origin else ""
    files = (("fooocus_version.py",), ("extensions", "fooocus_api", "extension.py"))
    return folder if folder and all(os.path.isfile(os.path.join(folder, *file)) for file in files) else ""


def start(checkout: str) -> None:
    """Load the extension of that checkout and let it install itself; a second call changes nothing."""
    from importlib import import_module
    from importlib.util import module_from_spec, spec_from_file_location
    from pathlib import Path

    if "fooocus_api" not in sys.modules:
        package = os.path.join(checkout, "extensions", "fooocus_api")
        init = os.path.join(package, "__init__.py")
        spec = spec_from_file_location("fooocus_api", init, submodule_search_locations=[package])
        assert spec and spec.loader  # nosec B101  # for mypy, which can't know
        sys.modules["fooocus_api"] = module_from_spec(spec)
        spec.loader.exec_module(sys.modules["fooocus_api"])
    import_module("fooocus_api.extension").install(Path(checkout))


sys.meta_path.insert(0, ImportTrigger())
