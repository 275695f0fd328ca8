"""Translates A1111's names of samplers and schedulers into Fooocus's."""

from __future__ import annotations

import re
from collections.abc import Collection

SAMPLERS = {
    "euler a": "euler_ancestral",
    "euler": "euler",
    "heun": "heun",
    "lms": "lms",
    "dpm2": "dpm_2",
    "dpm2 a": "dpm_2_ancestral",
    "dpm fast": "dpm_fast",
    "dpm adaptive": "dpm_adaptive",
    "dpm++ 2s a": "dpmpp_2s_ancestral",
    "dpm++ sde": "dpmpp_sde_gpu",
    "dpm++ 2m": "dpmpp_2m",
    "dpm++ 2m sde": "dpmpp_2m_sde_gpu",
    "dpm++ 3m sde": "dpmpp_3m_sde_gpu",
    "ddim": "ddim",
    "unipc": "uni_pc",
    "lcm": "lcm",
    "restart": "restart",
    "tcd": "tcd",
    "ddpm": "ddpm",
}
SCHEDULERS = {
    "karras": "karras",
    "exponential": "exponential",
    "sgm uniform": "sgm_uniform",
    "sgmuniform": "sgm_uniform",
    "polyexponential": "exponential",
    "simple": "simple",
    "normal": "normal",
    "uniform": "normal",
    "ddim uniform": "ddim_uniform",
    "align your steps": "align_your_steps",
    "turbo": "turbo",
}


def sampler_and_scheduler(
    name: str, samplers: Collection[str], schedulers: Collection[str]
) -> tuple[str | None, str | None]:
    """Return the host's sampler for a name like `DPM++ 2M Karras`, and the scheduler at the end of the name, if any."""
    written = re.sub(r"[\s_-]+", " ", name.casefold()).strip().removeprefix("k ")
    for ending in ("", *sorted(SCHEDULERS, key=len, reverse=True)):
        if not written.endswith(ending):
            continue
        stem = written.removesuffix(ending).strip()
        sampler = next((one for one in (SAMPLERS.get(stem), _sampler_of_host(stem, samplers)) if one in samplers), None)
        scheduler = SCHEDULERS.get(ending)
        if sampler is not None and (scheduler is None or scheduler in schedulers):
            return sampler, scheduler
    return None, None


def _sampler_of_host(stem: str, samplers: Collection[str]) -> str | None:
    """Return the host's sampler whose name differs only in spelling, None without one."""
    letters = re.sub(r"[\W_]+", "", stem)
    return next((one for one in samplers if re.sub(r"[\W_]+", "", one) == letters), None)
