"""A clock that is wrong by CLOCK_SHIFT_S seconds, for a Python with this folder in PYTHONPATH."""

from __future__ import annotations

import os
import time

_SHIFT_S = float(os.environ.get("CLOCK_SHIFT_S", "0"))
_time, _time_ns = time.time, time.time_ns

time.time = lambda: _time() + _SHIFT_S
time.time_ns = lambda: _time_ns() + int(_SHIFT_S * 1e9)
