"""Statements about the settings that a restart keeps. Run by the repository's `read` and `write`."""

from __future__ import annotations

from ...tables import SettingRow


def value_of(name: str) -> str | None:
    """Return a setting, None if it is not set."""
    value: str | None = SettingRow.select(SettingRow.value).where(SettingRow.name == name).scalar()
    return value


def set_value(name: str, value: str | None) -> None:
    """Set a setting; None removes it."""
    SettingRow.delete().where(SettingRow.name == name).execute()
    if value is not None:
        SettingRow.insert(name=name, value=value).execute()
