"""The text of AUTOMATIC1111's WebUI, as Fooocus, Forge, SD.Next, Civitai and others write it, too.

Its last line has pairs, as in `Steps: 30, Sampler: Euler a, Seed: 7`; before it come the prompt and the negative prompt.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from . import values
from .fooocus import generator_of
from .found import FoundLora, Generator, Metadata
from .settings import fill, fill_size, note

KEYS = {
    "raw prompt": "prompt",
    "raw negative prompt": "negative_prompt",
    "steps": "steps",
    "sampler": "sampler",
    "schedule type": "scheduler",
    "scheduler": "scheduler",
    "seed": "seed",
    "cfg scale": "guidance_scale",
    "sharpness": "sharpness",
    "adm guidance": "adm_guidance",
    "model": "base_model",
    "model hash": "base_model_hash",
    "performance": "performance",
    "styles": "styles",
    "vae": "vae",
    "refiner": "refiner_model",
    "refiner hash": "refiner_model_hash",
    "refiner switch": "refiner_switch",
    "refiner switch at": "refiner_switch",
    "adaptive cfg": "adaptive_cfg",
    "clip skip": "clip_skip",
    "overwrite switch": "overwrite_switch",
    "refiner swap method": "refiner_swap_method",
    "freeu": "freeu",
    "user": "created_by",
}
"""Key in lower case → parameter."""
OF_THE_FILE = {"size", "version", "app", "lora hashes", "lora weights", "hashes", "vae hash", "created date"}
"""Keys that are read on their own, or that describe the file."""
NEGATIVE = "Negative prompt:"
MIN_PAIRS = 3
"""Pairs of a line that make it the line of the parameters, if one of them is among `CERTAIN`."""
CERTAIN = frozenset({"steps", "sampler", "seed", "cfg scale", "raw prompt", "model"})
"""Keys, in lower case, that only parameters have: a position or a sentence may have pairs, too."""
MAX_PAIRS = 300
MAX_KEY_LENGTH = 60
MAX_JSON_LENGTH = 65_536
"""Characters of a value in JSON."""
MAX_FAILED_VALUES = 3
"""Values of a line that begin as JSON and are none, after which no other is read as JSON."""
MAX_LINES_AFTER = 5
"""Lines after that of the parameters, which some programs add."""
_KEY = re.compile(r"\w[\w /+()%.-]*")
_WITH_HASH = re.compile(r"(.*?)\s*\[([0-9a-fA-F]{6,64})\]\s*")
_OPENINGS = ('"', "[{", '{"')
"""Beginnings of values in JSON. A prompt may begin with a bracket."""
MAX_BLANKS = 100
_FORGE = re.compile(r"f\d")


@dataclass(frozen=True)
class Text:
    """The parts of a text: the prompts as the program resolved them, and the pairs in their order."""

    prompt: str
    negative: str
    pairs: dict[str, Any]


def text_of(written: str) -> Text | None:
    """Return the parts of a text, None if it has no line of parameters."""
    lines = written.strip().split("\n")
    for number in range(len(lines) - 1, max(len(lines) - 1 - MAX_LINES_AFTER, -1), -1):
        pairs = dict(pairs_of(lines[number]))
        is_line = len(pairs) >= MIN_PAIRS and not CERTAIN.isdisjoint(map(str.lower, pairs))
        if is_line and (number == len(lines) - 1 or lines[number].lstrip().startswith("Steps:")):
            return Text(*_prompts(lines[:number]), pairs)
    return None


def pairs_of(line: str) -> Iterator[tuple[str, Any]]:
    """Yield the pairs of a line, each value as a text, or as what its JSON has."""
    at, failed = 0, 0
    for _ in range(MAX_PAIRS):
        colon = line.find(":", at)
        if colon < 0:
            return
        key = line[max(at, colon - MAX_KEY_LENGTH) : colon].rpartition(",")[2].strip()
        at = _begin(line, colon + 1)
        in_json = _json(line, at) if failed < MAX_FAILED_VALUES and line.startswith(_OPENINGS, at) else None
        failed += in_json is None and line.startswith(_OPENINGS, at)
        value, at = in_json or _plain(line, at)
        if _KEY.fullmatch(key):
            yield key, value


def read_a1111(text: Text, found: Metadata, *, marked: bool) -> None:
    """Set the parameters of a text.

    Args:
        marked: the file says that Fooocus wrote it.
    """
    pairs = {key.lower(): value for key, value in text.pairs.items()}
    version = str(pairs.get("version", ""))
    found.describe(by_fooocus=marked or "raw prompt" in pairs or version.startswith("Fooocus"))
    found.describe(generator=_generator(pairs, version, found))
    parameters = found.parameters
    parameters.set(prompt=text.prompt, negative_prompt=text.negative)
    if "raw prompt" in pairs:
        parameters.set(full_prompt=[text.prompt], full_negative_prompt=[text.negative], prompt="", negative_prompt="")
    fill(found, {key: name for key, name in KEYS.items() if key != "scheduler" or "schedule type" not in pairs}, pairs)
    fill_size(found, "size", pairs)
    if match := _WITH_HASH.fullmatch((parameters.refiner_model or "")[:300]):
        parameters.set(refiner_model=match[1], refiner_model_hash=match[2])
    hashes = {**_all_hashes(pairs.get("hashes")), **_named_hashes(pairs.get("lora hashes"))}
    parameters.set(
        base_model_hash=parameters.base_model_hash or hashes.get("model"),
        loras=list(_loras(pairs, hashes)) if found.by_fooocus else _only_hashes(hashes),
    )
    for key, value in text.pairs.items():
        if key.lower() not in KEYS and key.lower() not in OF_THE_FILE:
            note(found, key, value)


def _prompts(lines: list[str]) -> tuple[str, str]:
    """Return the prompt and the negative prompt."""
    start = next((number for number, line in enumerate(lines) if line.strip().startswith(NEGATIVE)), len(lines))
    negative = "\n".join(line.strip() for line in lines[start:]).removeprefix(NEGATIVE).strip()
    return "\n".join(line.strip() for line in lines[:start]).strip(), negative


def _begin(line: str, at: int) -> int:
    """Return the place of the value behind a colon."""
    while at < len(line) and line[at] == " ":
        at += 1
    return at


def _json(line: str, at: int) -> tuple[Any, int] | None:
    """Return the value in JSON that begins at a place, and the place after it; None if there is none."""
    try:
        value, length = values.DECODER.raw_decode(line[at : at + MAX_JSON_LENGTH])
    except (ValueError, RecursionError):
        return None
    end = at + length
    after = line[end : end + MAX_BLANKS].lstrip(" ")[:1] if isinstance(value, str) else line[end : end + 1]
    # A prompt may begin with a word in quotes, and then is no JSON.
    return (values.clean(value), end) if after in ("", ",") or (after == " " and not isinstance(value, str)) else None


def _plain(line: str, at: int) -> tuple[str, int]:
    """Return the value up to the next comma, and the place of the comma."""
    end = line.find(",", at)
    end = len(line) if end < 0 else end
    return line[at:end].strip(), end


def _generator(pairs: Mapping[str, Any], version: str, found: Metadata) -> Generator:
    if found.by_fooocus:
        return generator_of(version, found.generator)
    if "civitai resources" in pairs:
        return Generator("Civitai")
    if isinstance(app := pairs.get("app"), str) and app:
        return Generator(app[:100], version or None)
    if _FORGE.match(version):
        return Generator("Forge", version)
    return Generator("AUTOMATIC1111", version) if version else found.generator


def _loras(pairs: Mapping[str, Any], hashes: Mapping[str, str]) -> Iterator[FoundLora]:
    """Yield the LoRAs that Fooocus names: since 2.3.1 with weights of their own, before behind each hash."""
    written = pairs.get("lora weights") or pairs.get("lora hashes")
    for part in written.split(", ")[: values.MAX_ITEMS] if isinstance(written, str) else ():
        name, _, weight = part.rpartition(": ")
        if "lora weights" not in pairs:
            name, _, _ = name.rpartition(": ")
        try:
            if name:
                yield FoundLora(name, values.number(weight), hashes.get(name))
        except values.WrongValue:
            continue


def _only_hashes(hashes: Mapping[str, str]) -> list[FoundLora]:
    """Return the LoRAs whose hashes a text names; their weights are in the prompt's tags."""
    return [FoundLora(name, None, digest) for name, digest in hashes.items() if name not in ("model", "vae")]


def _named_hashes(written: Any) -> dict[str, str]:
    """Return name → hash of a text like `a: 0123456789, b: abcdef0123`."""
    found = {}
    for part in written.split(", ")[: values.MAX_ITEMS] if isinstance(written, str) else ():
        name, _, digest = part.partition(": ")
        if name and digest:
            found[name.strip()] = digest.split(": ")[0].strip()
    return found


def _all_hashes(written: Any) -> dict[str, str]:
    """Return name → hash of the object that Civitai's extension adds: `{"model": "…", "lora:name": "…"}`."""
    if not isinstance(written, dict):
        return {}
    kept = [(key, value) for key, value in written.items() if isinstance(value, str) and not key.startswith("embed:")]
    return {key.removeprefix("lora:"): value for key, value in kept[: values.MAX_ITEMS]}
