"""Refusals of the host's presets."""

from __future__ import annotations


class PresetError(Exception):
    """A preset can't be read, written or deleted; the argument is its name."""


class UnknownPreset(PresetError):
    """No preset has this name."""


class ProtectedPreset(PresetError):
    """The preset is Fooocus's or the user's own, not one that the API has written."""


class TooManyPresets(PresetError):
    """The folder has as many presets as the API may fill it with."""
