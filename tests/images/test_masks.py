"""Masks, read as by the WebUI's upload: Gradio converts to RGB, and the worker counts means over 127."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy
import pytest
from numpy.typing import NDArray
from PIL import Image as PILImage
from PIL import ImageDraw

from fooocus_api.adapters.task_args.images.inpaint import inpaint_input
from fooocus_api.images.codecs.decoding import as_kept, mask_rgb
from fooocus_api.tests.support.client import Client

WIDTH, HEIGHT = 320, 240
BOX = (100, 60, 180, 140)
"""The painted box: left, top, right and bottom."""
SMALL = (64, 48)


def encoded(image: PILImage.Image, kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def text(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def painted(mode: str, ground: Any, paint: Any, size: tuple[int, int] = (WIDTH, HEIGHT)) -> PILImage.Image:
    """Return a picture of one colour with the box in another."""
    image = PILImage.new(mode, size, ground)
    scale = size[0] / WIDTH
    left, top, right, bottom = (round(at * scale) for at in BOX)
    ImageDraw.Draw(image).rectangle((left, top, right - 1, bottom - 1), fill=paint)
    return image


def palette(transparent: int) -> bytes:
    """Return a mask with a palette of black and white, one entry of which is transparent."""
    image = painted("P", 0, 1)
    image.putpalette([0, 0, 0, 255, 255, 255])
    return encoded(image, transparency=transparent)


def sixteen_bits(ground: int, paint: int) -> bytes:
    values = numpy.full((HEIGHT, WIDTH), ground, numpy.uint16)
    values[BOX[1] : BOX[3], BOX[0] : BOX[2]] = paint
    return encoded(PILImage.fromarray(values))


def turned() -> bytes:
    """Return a mask that lies on its side, with the EXIF orientation that turns it back."""
    exif = PILImage.Exif()
    exif[0x0112] = 6
    return encoded(painted("RGB", "black", "white").transpose(PILImage.Transpose.ROTATE_90), exif=exif)


CLEAR, WHITE, RED = (0, 0, 0, 0), (255, 255, 255, 255), (255, 0, 0, 255)
THE_BOX: dict[str, bytes] = {
    "white on black": encoded(painted("RGB", "black", "white")),
    "white on transparent": encoded(painted("RGBA", CLEAR, WHITE)),
    "half transparent white on transparent": encoded(painted("RGBA", CLEAR, (255, 255, 255, 100))),
    "white on opaque black with alpha": encoded(painted("RGBA", (0, 0, 0, 255), WHITE)),
    "white in a webp": encoded(painted("RGBA", CLEAR, WHITE), "WEBP", lossless=True, exact=True),
    "white in a gif": encoded(painted("RGBA", CLEAR, WHITE), "GIF"),
    "white in a tiff": encoded(painted("RGBA", CLEAR, WHITE), "TIFF"),
    "grey": encoded(painted("L", 0, 255)),
    "light grey": encoded(painted("L", 100, 140)),
    "one bit": encoded(painted("1", 0, 1)),
    "grey with alpha": encoded(painted("LA", (0, 0), (255, 255))),
    "palette with a transparent ground": palette(0),
    "palette with transparent paint": palette(1),
    "16 bits": sixteen_bits(0, 65_535),
    "yellow": encoded(painted("RGB", "black", (255, 255, 0))),
    "on its side": turned(),
    "of another size": encoded(painted("RGBA", CLEAR, WHITE, (WIDTH * 2, HEIGHT * 2))),
}
NOTHING: dict[str, tuple[bytes, str]] = {
    "red on transparent": (encoded(painted("RGBA", CLEAR, RED)), "red (#ff0000) does not count"),
    "opaque red on black": (encoded(painted("RGB", "black", (255, 0, 0))), "red (#ff0000) does not count"),
    "blue": (encoded(painted("RGB", "black", (0, 0, 250))), "blue (#0000fa) does not count"),
    "dark grey": (encoded(painted("L", 0, 120)), "grey (#787878) does not count"),
    "black on transparent": (encoded(painted("RGBA", CLEAR, (0, 0, 0, 255))), "transparent is not painted"),
    "all transparent": (encoded(PILImage.new("RGBA", (WIDTH, HEIGHT), CLEAR)), "transparent is not painted"),
    "a hole in black": (encoded(painted("RGBA", (0, 0, 0, 255), CLEAR)), "transparent is not painted"),
    "a hole in black, grey with alpha": (encoded(painted("LA", (0, 255), (0, 0))), "transparent is not painted"),
    "black": (encoded(PILImage.new("L", (WIDTH, HEIGHT))), "transparent is not painted"),
}
OTHERS: dict[str, bytes] = {
    "white under transparent": encoded(painted("RGBA", (255, 255, 255, 0), WHITE)),
    "16 bits, dark": sixteen_bits(0, 20_000),
    "16 bits, nearly black": sixteen_bits(0, 120),
    "CMYK": encoded(painted("CMYK", (0, 0, 0, 255), (0, 0, 0, 0)), "JPEG"),
    "a colour key": encoded(painted("RGB", "black", "white"), transparency=(255, 255, 255)),
}
"""Masks whose result is taken from Gradio alone."""


def by_gradio(content: bytes, kind: str = "png") -> NDArray[numpy.uint8]:
    """Return the array that the WebUI's mask component passes to the worker."""
    gradio = pytest.importorskip("gradio")
    component = gradio.Image(source="upload", tool="sketch", type="numpy")
    blank = text(encoded(PILImage.new("RGBA", SMALL, CLEAR)))
    sent = {"image": f"data:image/{kind};base64,{text(content)}", "mask": f"data:image/png;base64,{blank}"}
    image: NDArray[numpy.uint8] = component.preprocess(sent)["image"]
    return image


ALL = {**THE_BOX, **{name: content for name, (content, _) in NOTHING.items()}, **OTHERS}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ALL)
def test_a_mask_is_read_as_gradio_reads_it(name: str) -> None:
    wanted = by_gradio(ALL[name])
    for content in (ALL[name], as_kept(ALL[name])[0]):
        assert (mask_rgb(content) == wanted).all()


@pytest.mark.parametrize("name", THE_BOX)
def test_what_is_painted_is_the_box(name: str) -> None:
    picture = numpy.zeros((HEIGHT, WIDTH, 3), numpy.uint8)
    _, mask = inpaint_input(picture, mask_rgb(as_kept(THE_BOX[name])[0]))
    wanted = numpy.zeros((HEIGHT, WIDTH), bool)
    wanted[BOX[1] : BOX[3], BOX[0] : BOX[2]] = True
    assert ((mask[:, :, 0] > 127) == wanted).all()


@pytest.fixture(scope="module")
def base() -> PILImage.Image:
    return PILImage.effect_mandelbrot((WIDTH, HEIGHT), (-3, -2.5, 2, 2.5), 9).convert("RGB")


@pytest.mark.parametrize(
    "name", ["white on transparent", "palette with a transparent ground", "white in a gif", "16 bits"]
)
def test_only_the_box_is_drawn_anew(client: Client, base: PILImage.Image, name: str) -> None:
    record = client.draw(
        inpaint_input_image=text(encoded(base)), inpaint_mask_image_upload=text(THE_BOX[name]), overwrite_step=2
    )
    drawn = numpy.asarray(client.image(record["result"][0]).convert("RGB"), int)
    changed = numpy.abs(drawn - numpy.asarray(base, int)).max(axis=2) > 0
    assert changed[BOX[1] + 15 : BOX[3] - 15, BOX[0] + 15 : BOX[2] - 15].mean() > 0.9
    changed[BOX[1] - 15 : BOX[3] + 15, BOX[0] - 15 : BOX[2] + 15] = False
    assert not changed.any(), "the image changed outside the mask"


@pytest.mark.parametrize("name", NOTHING)
def test_a_mask_in_which_nothing_is_painted_is_refused_by_name(client: Client, base: PILImage.Image, name: str) -> None:
    content, words = NOTHING[name]
    fields: dict[str, Any] = {"inpaint_input_image": text(encoded(base)), "inpaint_mask_image_upload": text(content)}
    refused = client.generate(**fields)
    assert refused.status_code == 422, refused.text
    (error,) = refused.json()["errors"]
    assert error["field"] == "inpaint_mask_image_upload" and words in error["message"]
    assert "transparent is not painted" in error["message"]
    for more in (
        {"outpaint_selections": ["Left"]},
        {"outpaint_selections": ["Top"], "outpaint_distance": [0, 64, 0, 0]},
    ):
        assert client.generate(**fields, **more).status_code == 200


def test_of_paint_that_counts_and_paint_that_does_not_the_first_is_drawn(client: Client, base: PILImage.Image) -> None:
    mask = painted("RGBA", CLEAR, WHITE)
    ImageDraw.Draw(mask).rectangle((0, 0, 40, 40), fill=RED)
    record = client.draw(
        inpaint_input_image=text(encoded(base)), inpaint_mask_image_upload=text(encoded(mask)), overwrite_step=2
    )
    drawn = client.image(record["result"][0]).convert("RGB")
    assert drawn.crop((0, 0, 41, 41)).tobytes() == base.crop((0, 0, 41, 41)).tobytes()
