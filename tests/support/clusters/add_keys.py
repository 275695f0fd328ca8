"""Adds ten keys to the row of a database: `add_keys.py URL PREFIX`."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
from load_package import load_package

load_package()
from fooocus_api.auth.key_row import ROW_NAME, KeyRow  # noqa: E402
from fooocus_api.auth.keys import UNLIMITED, USUAL_SCOPES  # noqa: E402
from fooocus_api.db.settings_access import SettingsAccess  # noqa: E402
from fooocus_api.db.statements.changes.settings import value_of  # noqa: E402
from fooocus_api.db.statements.changes.shared_settings import exchange_value  # noqa: E402

url, prefix = sys.argv[1:]
access = SettingsAccess(url)
row = KeyRow(
    lambda: access.run(partial(value_of, ROW_NAME)),
    lambda expected, text: access.run(partial(exchange_value, ROW_NAME, expected, text)),
)
for number in range(10):
    row.add(f"{prefix}-{number}", USUAL_SCOPES, UNLIMITED)
