"""Images a minute and the worker's time on saving each, with pictures like photos: the extended host and the bare one.

With FOOOCUS_HOME also that Fooocus, whose files must have the same bytes.
"""

from __future__ import annotations

import hashlib
import statistics
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..tests.support.host import Host, real_checkout
from .frame import Options, Row
from .support.null_engine import BareHost, NullHost, load_average, side_by_side
from .support.real_hosts import real_side_by_side

STEPS = 4
STEP_MS = 100
ROUNDS = 3
MOST_SAVE_MS = 10.0
"""Allowed milliseconds (p50) of the worker's time on saving a PNG of 1152x896."""
REAL_IMAGES = 4
REAL_NOISE = 0.1
"""The same for the steps of a CPU."""
NOISE = 0.03
"""Part by which two equal hosts differ on a machine that does other things, too."""


@dataclass(frozen=True)
class Case:
    """Images of one task. `least` is the allowed factor of images a minute, of the extended host to the bare one."""

    size: str
    output_format: str
    images: int
    least: float
    most_save_ms: float | None = None

    def fields(self, round_number: int) -> dict[str, Any]:
        return {
            "overwrite_step": STEPS,
            "image_number": self.images,
            "output_format": self.output_format,
            "image_seed": 1000 * (round_number + 1),
            "save_metadata_to_images": True,
            "metadata_scheme": "fooocus",
        }


CASES = (
    Case("1152x896", "png", 24, 1.25, MOST_SAVE_MS),
    Case("1152x896", "jpeg", 24, 1 - NOISE),
    Case("1152x896", "webp", 24, 1 - NOISE),
    Case("2800x2240", "png", 4, 1.5),
)


@dataclass
class Measured:
    """Seconds of each task until its last image was on the disk, and milliseconds of the worker's time on each image."""

    seconds: list[float] = field(default_factory=list)
    save_ms: list[float] = field(default_factory=list)

    def images_a_minute(self, images: int) -> float:
        return 60 * images / statistics.median(self.seconds)


def run(options: Options) -> list[Row]:
    """Return images a minute and the worker's milliseconds for each format and size; the hosts generate in turn."""
    rows: list[Row] = []
    for size in dict.fromkeys(case.size for case in CASES):
        with side_by_side("--demo-photo", bare_flags=("--demo-photo",), size=size, step_ms=STEP_MS) as hosts:
            for case in [case for case in CASES if case.size == size]:
                rows.append(_row(case, *hosts, options.rounds or ROUNDS))
                print(rows[-1], flush=True)
    if real_checkout() is not None:
        rows.append(_real_row(options.rounds or ROUNDS))
    missed = [problem for row in rows for problem in _problems(row)]
    assert not missed, "; ".join(missed)
    return rows


def _row(case: Case, bare: BareHost, extended: NullHost, rounds: int) -> Row:
    before = _files(bare), _files(extended)
    measured = Measured(), Measured()
    for number in range(rounds):
        timing = bare.draw(**case.fields(number))
        measured[0].seconds.append(timing.seconds)
        measured[0].save_ms += timing.save_ms
        extended.hang_up()
        answered, timing = extended.answered(**case.fields(number))
        # The response comes after the last image is on the disk.
        measured[1].seconds.append((answered - timing.pop) / 1e9)
        measured[1].save_ms += timing.save_ms
    rates = [each.images_a_minute(case.images) for each in measured]
    saves = [statistics.median(each.save_ms) for each in measured]
    digests = [_digests(_files(host) - known) for host, known in zip((bare, extended), before, strict=True)]
    return {
        "format": case.output_format,
        "size": case.size,
        "images": case.images,
        "rounds": rounds,
        "bare_per_min": rates[0],
        "extended_per_min": rates[1],
        "factor": rates[1] / rates[0],
        "least_factor": case.least,
        "bare_save_p50_ms": saves[0],
        "extended_save_p50_ms": saves[1],
        "most_save_ms": case.most_save_ms,
        "same_bytes": digests[0] == digests[1],
        "mb_each": statistics.fmean(file.stat().st_size for file in _files(extended) - before[1]) / 1e6,
        "load": load_average(),
    }


def _real_row(rounds: int) -> Row:
    """Return the row of a real Fooocus, whose steps take most of the time."""
    case = Case("256x256", "png", REAL_IMAGES, 1 - REAL_NOISE)
    fields = {**case.fields(0), "overwrite_step": 1}
    seconds: tuple[list[float], list[float]] = ([], [])
    with real_side_by_side(**fields) as hosts:
        for _ in range(rounds):
            for host, taken in zip(hosts, seconds, strict=True):
                taken.append(host.seconds(**fields))
        digests = [_digests(_files(host)) for host in hosts]
        bytes_each = statistics.fmean(file.stat().st_size for file in _files(hosts[1]))
    rates = [60 * case.images / statistics.median(taken) for taken in seconds]
    return {
        "format": "png on a real Fooocus",
        "size": case.size,
        "images": case.images,
        "rounds": rounds,
        "bare_per_min": rates[0],
        "extended_per_min": rates[1],
        "factor": rates[1] / rates[0],
        "least_factor": case.least,
        "bare_save_p50_ms": None,
        "extended_save_p50_ms": None,
        "most_save_ms": None,
        "same_bytes": digests[0] == digests[1],
        "mb_each": bytes_each / 1e6,
        "load": load_average(),
    }


def _files(host: Host) -> set[Path]:
    return host.images()


def _digests(files: set[Path]) -> list[str]:
    return sorted(hashlib.sha256(file.read_bytes()).hexdigest() for file in files)


def _problems(row: Row) -> list[str]:
    name = f"{row['format']} of {row['size']}"
    problems = []
    if row["factor"] < row["least_factor"]:
        problems.append(f"{name}: {row['factor']:.2f} times the bare host's images a minute, not {row['least_factor']}")
    if row["most_save_ms"] is not None and row["extended_save_p50_ms"] > row["most_save_ms"]:
        problems.append(f"{name}: {row['extended_save_p50_ms']:.1f} ms of the worker's time, not {row['most_save_ms']}")
    if not row["same_bytes"]:
        problems.append(f"{name}: other bytes than the bare host's")
    return problems
