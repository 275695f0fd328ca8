"""Chooses the way in which a terminal shows pictures, by what its environment says."""

from __future__ import annotations

from collections.abc import Mapping

WAYS = ("auto", "kitty", "iterm", "sixel", "blocks", "none")
KITTY = ("kitty", "ghostty")
ITERM = ("iterm.app", "wezterm", "mintty")
SIXEL = ("foot", "mlterm", "contour", "sixel")


def way_of(wanted: str, environment: Mapping[str, str]) -> str:
    """Return the way to show pictures: one of `WAYS` except `auto`.

    Raises:
        ValueError: the wanted way is unknown.
    """
    if wanted not in WAYS:
        raise ValueError(f"unknown preview {wanted!r}; use one of {', '.join(WAYS)}")
    if wanted != "auto":
        return wanted
    term = environment.get("TERM", "").lower()
    program = environment.get("TERM_PROGRAM", "").lower()
    if "NO_COLOR" in environment or term in ("dumb", "unknown"):
        return "none"
    if "TMUX" in environment or "STY" in environment:  # they pass such sequences on only if they are set up for it
        return "blocks"
    if "KITTY_WINDOW_ID" in environment or any(name in (*term.split("-"), program) for name in KITTY):
        return "kitty"
    if program in ITERM:
        return "iterm"
    if any(term.startswith(name) or name in term.split("-") for name in SIXEL):
        return "sixel"
    colours = environment.get("COLORTERM", "").lower() in ("truecolor", "24bit") or "256color" in term
    return "blocks" if colours or "WT_SESSION" in environment else "none"
