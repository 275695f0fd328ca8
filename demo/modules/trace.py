"""Trace of --demo-trace FILE: times at which the worker took each task, made each preview and finished."""
import time

import args_manager

_path = args_manager.args.demo_trace
_lines = []


def mark(what: str) -> None:
    """Record this moment. Writing takes time and waits for the task's end."""
    if _path:
        _lines.append(f'{time.monotonic_ns()} {what}\n')


def flush() -> None:
    """Write the recorded moments."""
    if _path:
        with open(_path, 'a', encoding='ascii') as file:
            file.write(''.join(_lines))
        _lines.clear()
