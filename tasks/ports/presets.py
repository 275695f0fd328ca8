"""Refusals of the host's presets."""

from __future__ import annotations


class PresetError(Exception):
    """A preset can't be read, written or deleted; the argument is its name."""


class UnknownPreset(PresetError):
    """No preset has this name."""


class ProtectedPreset(PresetError):
    """The preset is Fooocus's or the user's own, not one that the API has written."""


class PresetsElsewhere(Exception):
    """Presets can't be changed in this process; the message says where they can."""


class TooManyPresets(PresetError):
    """The folder has as many presets as the API may fill it with."""
