"""State of the random generator at a task's first encoding of an image: recorded, and restored when a task is repeated.

The host's VAE draws noise from the process's one generator when it encodes an image, and no seed of the task sets it. Its state
then depends on the tasks before.
Checked on Fooocus 2.5.0 to 2.5.5 and mashb1t/Fooocus 2.6.5.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout  # the built-in one from Python 3.11 on
from functools import partial
from types import ModuleType
from typing import Any

import numpy

from ...tasks.model import events
from ..patching.hooks import Patches
from .queue_items import ID_ATTRIBUTE
from .worker import Worker

STATE_TIMEOUT_S = 5.0
"""Seconds that the worker waits for the state of a repetition, which is read from the moment when the task is queued."""
STATE_ATTRIBUTE = "fooocus_api_random_state"
"""Attribute of the host's task: the state to restore, in bytes."""
ENCODED_ATTRIBUTE = "fooocus_api_has_encoded"


class StateNotRead(Exception):
    """The state that a repetition restores was not read in time. Without it, the pixels would be others."""


def stored_state(reading: Future[bytes | None], within_s: float = STATE_TIMEOUT_S) -> bytes | None:
    """Return the state that a repetition restores, None without one. Waits at most `within_s` seconds.

    Raises:
        StateNotRead: the database does not answer in time.
        DatabaseUnavailable: it can't be read.
    """
    try:
        return reading.result(within_s) or None
    except FutureTimeout as error:
        raise StateNotRead("the database does not answer; repeat the task again once it does") from error


class RandomStates:
    """Records or restores the state once for each task, on the worker's thread: an event of 5 kB, and no I/O."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    def patch(self, core: ModuleType, patches: Patches) -> None:
        """Wrap the two functions by which the worker encodes an image."""
        patches.wrap(core, "encode_vae", partial(self._encode, core))
        patches.wrap(core, "encode_vae_inpaint", partial(self._encode, core))

    def _encode(
        self, core: ModuleType, wrapped: Callable[..., Any], _: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        task = self._worker.current
        if task is not None and threading.current_thread() is self._worker.thread:
            self._worker.call_safely(self._before, core, task)
        return wrapped(*args, **kwargs)

    def _before(self, core: ModuleType, task: Any) -> None:
        if getattr(task, ENCODED_ATTRIBUTE, False):
            return
        setattr(task, ENCODED_ATTRIBUTE, True)
        state: bytes | None = None
        try:
            state = _restored(core, task)
        finally:
            self._worker.saves.emit(events.Encoded(getattr(task, ID_ATTRIBUTE), state))


def _restored(core: ModuleType, task: Any) -> bytes:
    """Return the generator's state, after setting it to that of the task, if the task has one."""
    wanted: bytes | None = getattr(task, STATE_ATTRIBUTE, None)
    if wanted is None:
        return numpy.asarray(core.torch.get_rng_state()).tobytes()
    core.torch.set_rng_state(core.torch.from_numpy(numpy.frombuffer(wanted, numpy.uint8).copy()))
    return wanted
