"""ControlNet's preprocessors and models as Fooocus's types of image prompts."""

from __future__ import annotations

CANNY, DEPTH, PROMPT, FACE = "PyraCanny", "CPDS", "ImagePrompt", "FaceSwap"
MODELS = {"Fooocus PyraCanny": CANNY, "Fooocus CPDS": DEPTH, "Fooocus ImagePrompt": PROMPT, "Fooocus FaceSwap": FACE}
"""Model of a unit → the type."""
MODULES = ("none", "canny", "depth", "ip-adapter", "ip-adapter-face")
NO_NAME = ("", "none", "null")
WORDS = (
    (FACE, ("face", "instant_id", "instantid", "instant-id", "photomaker")),
    (PROMPT, ("ip-adapter", "ip_adapter", "ipadapter", "reference", "revision", "imageprompt", "clip")),
    (CANNY, ("canny", "lineart", "softedge", "scribble", "mlsd", "hed", "pidinet", "edge")),
    (DEPTH, ("depth", "normal", "cpds")),
)
"""Type → parts of the names of preprocessors and models that it stands for, in the order in which they are looked for."""
OTHERS = ("openpose", "tile", "inpaint", "seg", "shuffle", "t2ia", "recolor", "blur", "qrcode")
"""Parts of names of those that Fooocus has nothing for, in spite of other parts: `openpose_face`."""


def control_type(module: str, model: str) -> str | None:
    """Return the type for a unit's preprocessor, or for its model if it has none; None if Fooocus has nothing for it."""
    for name in (module, model):
        written = name.strip().casefold()
        if written in NO_NAME:
            continue
        if any(word in written for word in OTHERS):
            return None
        return next((kind for kind, words in WORDS if any(word in written for word in words)), None)
    return None


def has_no_preprocessor(module: str) -> bool:
    """Return whether a unit's image is used as it is."""
    return module.strip().casefold() in NO_NAME
