"""With --demo-trace FILE: when the worker took each task, made each preview and was done, for whoever measures."""
import time

import args_manager

_path = args_manager.args.demo_trace
_lines = []


def mark(what: str) -> None:
    """Remember this moment. Nothing is written before the task is done, as writing takes time."""
    if _path:
        _lines.append(f'{time.monotonic_ns()} {what}\n')


def flush() -> None:
    """Write what was remembered."""
    if _path:
        with open(_path, 'a', encoding='ascii') as file:
            file.write(''.join(_lines))
        _lines.clear()
