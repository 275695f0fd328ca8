"""Samplers and schedulers by AUTOMATIC1111's display names, its aliases and Fooocus's own names."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

DISPLAY = {
    "Euler a": ("euler_ancestral",),
    "Euler": ("euler",),
    "Heun": ("heun",),
    "LMS": ("lms",),
    "DPM2": ("dpm_2",),
    "DPM2 a": ("dpm_2_ancestral",),
    "DPM++ 2S a": ("dpmpp_2s_ancestral",),
    "DPM++ 2M": ("dpmpp_2m",),
    "DPM++ SDE": ("dpmpp_sde_gpu", "dpmpp_sde"),
    "DPM++ 2M SDE": ("dpmpp_2m_sde_gpu", "dpmpp_2m_sde"),
    "DPM++ 3M SDE": ("dpmpp_3m_sde_gpu", "dpmpp_3m_sde"),
    "DPM fast": ("dpm_fast",),
    "DPM adaptive": ("dpm_adaptive",),
    "DDIM": ("ddim",),
    "UniPC": ("uni_pc",),
    "LCM": ("lcm",),
    "Restart": ("restart",),
    "TCD": ("tcd",),
    "DDPM": ("ddpm",),
}
"""Display name → Fooocus's samplers of that name, the preferred one first."""
OTHER_NAMES = {
    "DDIM CFG++": "DDIM",
    "k_euler_a": "Euler a",
    "k_dpm_2": "DPM2",
    "k_dpm_2_a": "DPM2 a",
    "k_dpmpp_2s_a": "DPM++ 2S a",
    "k_dpm_ad": "DPM adaptive",
}
SUFFIXES = {
    "Polyexponential": "exponential",
    "Exponential": "exponential",
    "SGM Uniform": "sgm_uniform",
    "Karras": "karras",
    "_ka": "karras",
}
"""End of a sampler's name → the scheduler that it means."""
LABELS = {
    "normal": "Normal",
    "karras": "Karras",
    "exponential": "Exponential",
    "sgm_uniform": "SGM Uniform",
    "simple": "Simple",
    "ddim_uniform": "DDIM",
    "lcm": "LCM",
    "turbo": "Turbo",
    "align_your_steps": "Align Your Steps",
    "tcd": "TCD",
    "edm_playground_v2.5": "EDM Playground v2.5",
}
ALIASES = {"normal": ["uniform"], "sgm_uniform": ["SGMUniform"], "ddim_uniform": ["ddim"]}
AUTOMATIC = "automatic"
NEAREST = {"polyexponential": "exponential"}
"""Scheduler that Fooocus does not have → the nearest that it has."""


@dataclass(frozen=True)
class SamplerName:
    """A sampler of this host: its display name, Fooocus's name and further names."""

    name: str
    host: str
    aliases: tuple[str, ...]


def samplers(host_names: Collection[str]) -> list[SamplerName]:
    """Return the samplers of a host, each once: twins that differ in their device have one entry."""
    found, used = [], set()
    for name, twins in DISPLAY.items():
        own = [twin for twin in twins if twin in host_names]
        if own:
            found.append(SamplerName(name, own[0], tuple(own)))
            used.update(own)
    return [*found, *(SamplerName(name, name, (f"k_{name}",)) for name in host_names if name not in used)]


def display_name(host_name: str) -> str:
    """Return the display name of a host's sampler, the same name without one."""
    return next((name for name, twins in DISPLAY.items() if host_name in twins), host_name)


def find_sampler(text: str, host_names: Collection[str]) -> tuple[str, str | None] | None:
    """Return Fooocus's sampler for a name, and the scheduler at the name's end; None if the host has no such sampler."""
    if text in host_names:
        return text, None
    known = dict(_known(host_names))
    written = _letters(text)
    if written in known:
        return known[written], None
    for ending, scheduler in SUFFIXES.items():
        end = _letters(ending)
        stem = written.removesuffix(end)
        if stem != written and stem in known:
            return known[stem], scheduler
    return None


def find_scheduler(text: str, host_names: Collection[str]) -> str | None:
    """Return Fooocus's scheduler for a name or a label, None if the host has no such scheduler."""
    wanted = _letters(NEAREST.get(text.strip().casefold(), text))
    for name in host_names:
        if wanted in (_letters(one) for one in (name, LABELS.get(name, name), *ALIASES.get(name, ()))):
            return name
    return None


def _known(host_names: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield the letters of each name with the host's sampler; those that come later take precedence."""
    for name in host_names:
        yield _letters(name), name
    of_display = {one.name: one.host for one in samplers(host_names)}
    for name, display in OTHER_NAMES.items():
        if display in of_display:
            yield _letters(name), of_display[display]
    for display, host_name in of_display.items():
        yield _letters(display), host_name


def _letters(text: str) -> str:
    """Return what distinguishes a name: its letters and digits in lower case, with `pp` for `++`, without `k_` before them."""
    plain = text[:100].strip().casefold().removeprefix("k_").replace("++", "pp")
    return re.sub(r"[\W_]+", "", plain)
