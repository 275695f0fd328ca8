"""Finds this host's sampler and scheduler for the names that other programs and versions write."""

from __future__ import annotations

from ...images.metadata.schemes.found import Metadata
from ..context import Catalog
from ..validation.webui_names import sampler_and_scheduler
from .draft import Draft

UNKNOWN_SAMPLER = "this host has no such sampler"
UNKNOWN_SCHEDULER = "this host has no such scheduler"
PLAIN = "normal"
"""Scheduler of a program that names none."""
KARRAS = "karras"
"""Scheduler of A1111's `Automatic` for the DPM++ samplers."""
AUTOMATIC = "automatic"


def set_sampling(draft: Draft, found: Metadata, catalog: Catalog) -> None:
    """Set the sampler and the scheduler of the request."""
    samplers, schedulers = catalog.names("samplers"), catalog.names("schedulers")
    written, schedule = found.parameters.sampler, found.parameters.scheduler
    sampler: str | None = None
    of_name: str | None = None
    if written is not None:
        sampler, of_name = (
            (written, None) if written in samplers else sampler_and_scheduler(written, samplers, schedulers)
        )
        if sampler is None:
            draft.leave_out("sampler_name", written, UNKNOWN_SAMPLER)
    if sampler is not None and not found.by_fooocus and sampler.removesuffix("_gpu") in samplers:
        sampler = sampler.removesuffix("_gpu")  # the same sampler, by the name that other programs mean
    draft.set(sampler_name=sampler)
    if schedule is None or schedule.lower() == AUTOMATIC:
        of_program = KARRAS if (written or "").upper().startswith("DPM++") and schedule is not None else PLAIN
        _assume(draft, found, of_name, of_program, schedulers)
        return
    scheduler = (
        schedule if schedule in schedulers else sampler_and_scheduler(f"euler {schedule}", ["euler"], schedulers)[1]
    )
    if scheduler is None:
        draft.leave_out("scheduler_name", schedule, UNKNOWN_SCHEDULER)
    draft.set(scheduler_name=scheduler)


def _assume(draft: Draft, found: Metadata, of_name: str | None, of_program: str, schedulers: list[str]) -> None:
    """Set the scheduler at the end of the sampler's name, or the one that the program uses where its file names none."""
    if of_name is not None:
        draft.set(scheduler_name=of_name)
    elif not found.by_fooocus and found.parameters.sampler is not None and of_program in schedulers:
        draft.set(scheduler_name=of_program)
        draft.warn(f"the file leaves the scheduler to its program; the request has {of_program!r}")
    elif found.parameters.scheduler is not None:
        draft.leave_out("scheduler_name", found.parameters.scheduler, UNKNOWN_SCHEDULER)
