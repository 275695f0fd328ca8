"""The module that Python runs at its start if this folder is in PYTHONPATH: every Python does, also one too old for more."""

import importlib
import sys

if sys.version_info >= (3, 10):  # noqa: UP036  # a test starts older ones
    importlib.import_module("lazy_imports")
