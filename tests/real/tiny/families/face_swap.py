"""Models that find and crop the face of FaceSwap."""

from __future__ import annotations

import torch

from ..checkout import Checkout
from ..weights import shapes_of
from ..windows import Windows
from ..writers import write_pickle

LANDMARKS = [-1.2, -0.6, 1.2, -0.6, 0.0, 0.6, -1.0, 1.7, 1.0, 1.7]
"""Five (x, y) in units of a tenth of the anchor: eyes, nose, corners of the mouth."""


def face(checkout: Checkout) -> None:
    """Write face detection (RetinaFace) and parsing of FaceSwap. The parser is loaded but never run."""
    path = checkout.model("controlnet", "detection_Resnet50_Final.pth")
    if checkout.wants(path):
        write_pickle(checkout, path, detector_state())
    path = checkout.model("controlnet", "parsing_parsenet.pth")
    if checkout.wants(path):
        from extras.facexlib.parsing.parsenet import ParseNet

        shapes = shapes_of(lambda: ParseNet(in_size=512, out_size=512, parsing_ch=19))
        write_pickle(checkout, path, Windows("parsenet").state(shapes))


def detector_state() -> dict[str, torch.Tensor]:
    """Return a detector that finds faces in any picture of at least 32x32.

    Its class head answers 'face' for the 256-pixel anchors of the coarsest level and 'background' for all
    others, and its landmark head puts two eyes, a nose and a mouth in the middle of the anchor.
    """
    from extras.facexlib.detection.retinaface import RetinaFace

    shapes = shapes_of(lambda: RetinaFace(network_name="resnet50", device="meta"))
    windows = Windows("retinaface")
    state = windows.state(shapes)
    for name, tensor in shapes.items():
        if name.endswith("bn3.weight"):
            state[name] = windows.constant(tensor.shape, 0.25)  # keeps the residual sums from growing
        if "Head." in name and name.endswith(".weight"):
            state[name] = windows.normal(tuple(tensor.shape), 2**-16)
    for level in range(3):
        # two anchors per place, (background, face) each
        scores = [0.0, 6.0, 6.0, 0.0] if level == 2 else [6.0, 0.0] * 2
        state[f"ClassHead.{level}.conv1x1.bias"] = torch.tensor(scores)
        state[f"LandmarkHead.{level}.conv1x1.bias"] = torch.tensor(LANDMARKS * 2)
    return state
