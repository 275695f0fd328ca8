"""Encodings of previews: any number of wanted sizes leads to a few pictures, none larger than the preview."""

from __future__ import annotations

import base64
import io

import numpy
import pytest
from PIL import Image as PILImage

from fooocus_api.images.preview import SIZES, Encoding, PreviewFormat, PreviewImage, ReceivedPreview, stepped

PIXELS = numpy.random.default_rng(1).integers(0, 256, (48, 96, 3), numpy.uint8)


def previews() -> list[PreviewImage]:
    own = PreviewImage(PIXELS)
    return [own, ReceivedPreview(own.small_jpeg(96, 10**6))]


@pytest.mark.parametrize("kind", ["png", "webp", "jpeg"])
def test_sizes_above_the_previews_are_encoded_once(kind: PreviewFormat) -> None:
    for preview in previews():
        whole = preview.base64(Encoding(kind))
        assert all(preview.base64(Encoding(kind, size)) is whole for size in (96, 97, 512, 2048))
        small = PILImage.open(io.BytesIO(base64.b64decode(preview.base64(Encoding(kind, 64)))))
        assert small.size == (64, 32)


def test_any_wanted_size_is_one_of_a_few_and_never_exceeded() -> None:
    steps = {size: stepped(size) for size in range(16, 2049)}
    assert set(steps.values()) == set(SIZES) and len(SIZES) < 16
    assert all(step <= size for size, step in steps.items()) and all(stepped(size) == size for size in SIZES)
