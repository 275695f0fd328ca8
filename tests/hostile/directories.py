"""Directories of tags, as TIFF files and EXIF data have them: those of usual photos, and bombs whose tags share their bytes."""

from __future__ import annotations

import struct
import zlib

PREFIX = b"Exif\0\0"
UNDEFINED, LONG, RATIONAL = 7, 4, 5
SEGMENT_BYTES = 65_000


def shared(tags: int, length: int, kind: int = UNDEFINED, width: int = 1) -> bytes:
    """Return EXIF data of that length with that number of tags, each of which has all bytes from the eighth on as its data."""
    count = (length - 8) // width
    entries = b"".join(struct.pack("<HHII", 1 + number, kind, count, 8) for number in range(tags))
    return (b"II*\0\x08\0\0\0" + struct.pack("<H", tags) + entries).ljust(length, b"\0")


def segment(marker: int, data: bytes) -> bytes:
    """Return a segment of a JPEG."""
    return bytes((0xFF, marker)) + struct.pack(">H", len(data) + 2) + data


def exif_segments(block: bytes, length: int = SEGMENT_BYTES) -> bytes:
    """Return the segments of a JPEG with these EXIF data, which Pillow joins."""
    parts = (block[at : at + length] for at in range(0, len(block), length))
    return b"".join(segment(0xE1, PREFIX + part) for part in parts)


def raw_profile(block: bytes) -> bytes:
    """Return EXIF data as the compressed text of a PNG, in ImageMagick's form."""
    text = f"\nexif\n{len(PREFIX + block):8}\n{(PREFIX + block).hex()}\n"
    return b"Raw profile type exif\0\0" + zlib.compress(text.encode(), 9)


def nested(block_bytes: int, directories: int = 4, tags: int = 60, kind: int = UNDEFINED, width: int = 1) -> bytes:
    """Return a grey TIFF of 8x8 pixels which names several directories as the camera's. Each tag of the last has all bytes."""
    usual = {256: 8, 257: 8, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: 8, 279: 64}
    first_bytes = 2 + 12 * (len(usual) + directories) + 4
    places = [8 + first_bytes + 6 * number for number in range(directories)]
    entries = [struct.pack("<HHII", tag, LONG, 1, value) for tag, value in usual.items()]
    entries += [struct.pack("<HHII", 0x8769, LONG, 1, place) for place in places]
    first = struct.pack("<H", len(entries)) + b"".join(entries) + bytes(4)
    empty = bytes(6) * (directories - 1)
    count = (block_bytes - 8) // width
    last = b"".join(struct.pack("<HHII", 1 + number, kind, count, 8) for number in range(tags))
    return (b"II*\0\x08\0\0\0" + first + empty + struct.pack("<H", tags) + last + bytes(4)).ljust(block_bytes, b"\0")


def replaced(content: bytes, filler: bytes, block: bytes) -> bytes:
    """Return a file with other EXIF data of the same length in the place of those that end with the filler."""
    end = content.index(filler) + len(filler)
    return content[: end - len(block)] + block + content[end:]


def photo(order: str = "<", orientation: int = 6, maker_note: bytes = bytes(40_000)) -> bytes:
    """Return the EXIF data of a usual photo: camera, GPS and interoperability, a maker note and a thumbnail."""
    block = bytearray((b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, 8))

    def directory(tags: dict[int, tuple[int, int, bytes]], following: bool = False) -> None:
        """Append a directory (tag → type, count, data) and its data; the next directory follows it or not."""
        data_at = len(block) + 2 + 12 * len(tags) + 4
        entries, texts = b"", b""
        for number, (kind, count, data) in sorted(tags.items()):
            short = len(data) <= 4
            value = data.ljust(4, b"\0") if short else struct.pack(f"{order}I", data_at + len(texts))
            entries += struct.pack(f"{order}HHI", number, kind, count) + value
            texts += b"" if short else data + b"\0" * (len(data) % 2)
        end = data_at + len(texts) if following else 0
        block.extend(struct.pack(f"{order}H", len(tags)) + entries + struct.pack(f"{order}I", end) + texts)

    def ascii_text(text: str) -> tuple[int, int, bytes]:
        return 2, len(text) + 1, text.encode() + b"\0"

    def number(kind: str, value: int) -> tuple[int, int, bytes]:
        return {"H": 3, "I": 4}[kind], 1, struct.pack(f"{order}{kind}", value)

    def ratios(*values: int) -> tuple[int, int, bytes]:
        return RATIONAL, len(values), b"".join(struct.pack(f"{order}II", value, 1) for value in values)

    usual = {
        0x010F: ascii_text("Maker"),
        0x0110: ascii_text("A phone of the maker"),
        0x0112: number("H", orientation),
        0x011A: ratios(72),
        0x011B: ratios(72),
        0x0128: number("H", 2),
        0x0131: ascii_text("1.2.3"),
        0x0132: ascii_text("2024:01:02 03:04:05"),
    }
    camera = {
        0x829A: ratios(1),
        0x8827: number("H", 100),
        0x9000: (UNDEFINED, 4, b"0232"),
        0x9214: (3, 4, struct.pack(f"{order}4H", 1, 2, 3, 4)),
        0x927C: (UNDEFINED, len(maker_note), maker_note),
        0x9286: (UNDEFINED, 13, b"ASCII\0\0\0hello"),
    }
    place = {1: ascii_text("N"), 2: ratios(1, 2, 3), 3: ascii_text("E"), 4: ratios(4, 5, 6)}
    interoperability = {1: ascii_text("R98"), 2: (UNDEFINED, 4, b"0100")}
    thumbnail = {0x0103: number("H", 6), 0x0201: number("I", 8), 0x0202: number("I", 9000)}

    # the directories' own places are known once those before them are written, so all are written twice
    places = {0x8769: 0, 0x8825: 0, 0xA005: 0}
    for _ in range(2):
        del block[8:]
        directory(usual | {tag: number("I", places[tag]) for tag in (0x8769, 0x8825)}, following=True)
        directory(thumbnail)
        for tag, tags in ((0xA005, interoperability), (0x8825, place)):
            places[tag] = len(block)
            directory(tags)
        places[0x8769] = len(block)
        directory(camera | {0xA005: number("I", places[0xA005])})
        block.extend(bytes(9000))
    return bytes(block)


def index_of_pictures(entries: int = 2) -> bytes:
    """Return a phone's index of the pictures in a JPEG: a gain map or a second camera's picture follows the first."""
    pictures = b"".join(
        struct.pack(">IIIHH", 0x030000 if not number else 0, 5000, 0, 0, 0) for number in range(entries)
    )
    tags = struct.pack(">HHI4s", 0xB000, UNDEFINED, 4, b"0100")
    tags += struct.pack(">HHII", 0xB001, LONG, 1, entries)
    tags += struct.pack(">HHII", 0xB002, UNDEFINED, len(pictures), 8 + 2 + 36 + 4)
    return b"MPF\0MM\0*" + struct.pack(">IH", 8, 3) + tags + bytes(4) + pictures
