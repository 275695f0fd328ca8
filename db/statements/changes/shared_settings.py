"""Statements about settings that several processes change at once. Run by the repository's `read` and `write`."""

from __future__ import annotations

from ...tables import SettingRow


def exchange_value(name: str, expected: str | None, value: str) -> bool:
    """Set a setting that still is what was expected, None for not set. Return False, and change nothing, if it is another."""
    if expected is None:
        return _insert(name, value)
    query = SettingRow.update(value=value).where((SettingRow.name == name) & (SettingRow.value == expected))
    return bool(query.execute())


def value_or(name: str, value: str) -> str:
    """Return a setting, which becomes `value` if it is not set. Of several processes that call it all get the same."""
    _insert(name, value)
    found: str = SettingRow.select(SettingRow.value).where(SettingRow.name == name).scalar()
    return found


def _insert(name: str, value: str) -> bool:
    return bool(SettingRow.insert(name=name, value=value).on_conflict_ignore().as_rowcount().execute())
