"""Statements about the settings that a restart keeps. Run by the repository's `read` and `write`."""

from __future__ import annotations

from ...tables import SettingRow


def value_of(name: str) -> str | None:
    """Return a setting, None if it is not set."""
    value: str | None = SettingRow.select(SettingRow.value).where(SettingRow.name == name).scalar()
    return value


def set_value(name: str, value: str | None) -> None:
    """Set a setting; None removes it."""
    if value is None:
        SettingRow.delete().where(SettingRow.name == name).execute()
    else:
        changed = {"conflict_target": [SettingRow.name], "update": {SettingRow.value: value}}
        SettingRow.insert(name=name, value=value).on_conflict(**changed).execute()
