"""The pause of the garbage collector."""

from __future__ import annotations

import gc
import threading
import weakref

from fooocus_api.tasks.lifecycle.collector_pause import pause_collector_until, paused_collector


class Cycle:
    def __init__(self) -> None:
        self.itself = self


def test_the_collector_is_off_inside_and_on_afterwards() -> None:
    with paused_collector():
        assert not gc.isenabled()
        with paused_collector(makes_garbage=True):
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()
    assert gc.get_freeze_count() == 0


def test_it_is_on_after_an_error_and_off_if_it_was_off() -> None:
    try:
        with paused_collector():
            raise ValueError
    except ValueError:
        assert gc.isenabled()
    gc.disable()
    try:
        with paused_collector(makes_garbage=True):
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_garbage_is_collected_at_the_end_where_it_is_said() -> None:
    with paused_collector(makes_garbage=True):
        gone = weakref.ref(Cycle())
        assert gone() is not None
    assert gone() is None
    with paused_collector():
        gone = weakref.ref(Cycle())
    assert gone() is not None
    gc.collect()
    assert gone() is None


def test_a_script_without_a_worker_has_its_collector_back() -> None:
    pause_collector_until(threading.Event(), 0)
    assert gc.isenabled()
