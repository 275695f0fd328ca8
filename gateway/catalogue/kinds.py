"""Names of the types that a host's own arguments may have."""

from __future__ import annotations

KIND_NAMES: dict[type, str] = {bool: "bool", int: "int", float: "float", str: "str"}
KINDS = {name: kind for kind, name in KIND_NAMES.items()}
