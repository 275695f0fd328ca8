"""Writers of the three file formats: pickles, safetensors and ONNX."""

from __future__ import annotations

import json
import math
import os
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch

from .checkout import Checkout
from .weights import Shape

SAFETENSORS_TYPES = {torch.float8_e4m3fn: "F8_E4M3", torch.float16: "F16", torch.float32: "F32"}


class Zeros(NamedTuple):
    """A tensor of zeros, which a safetensors file holds as a hole."""

    shape: Shape
    dtype: torch.dtype


def write_pickle(checkout: Checkout, path: Path, data: Mapping[str, Any]) -> None:
    """Write what torch.load reads."""
    torch.save(data, path)
    checkout.report(path)


def write_safetensors(checkout: Checkout, path: Path, tensors: Mapping[str, torch.Tensor | Zeros]) -> None:
    """Write a safetensors file; zeros are skipped over, which leaves a hole in a sparse file."""
    offsets, offset = {}, 0
    header = {}
    for name, tensor in tensors.items():
        size = math.prod(tensor.shape) * torch.empty(0, dtype=tensor.dtype).element_size()
        header[name] = {
            "dtype": SAFETENSORS_TYPES[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [offset, offset + size],
        }
        offsets[name] = offset
        offset += size
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    part = path.with_name(path.name + ".part")
    with part.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        start = file.tell()
        for name, tensor in tensors.items():
            if not isinstance(tensor, Zeros):
                file.seek(start + offsets[name])
                file.write(tensor.contiguous().flatten().view(torch.uint8).numpy().data)
        file.truncate(start + offset)
    os.replace(part, path)
    checkout.report(path)


class Node(NamedTuple):
    """A node of an ONNX graph."""

    operator: str
    inputs: list[str]
    outputs: list[str]
    attributes: dict[str, Any] = {}  # noqa: RUF012  # nothing writes to it


def write_onnx(
    checkout: Checkout,
    path: Path,
    inputs: Mapping[str, Sequence[int]],
    outputs: Mapping[str, Sequence[int]],
    nodes: Sequence[Node],
    constants: Mapping[str, Any],
) -> None:
    """Write an ONNX graph; inputs and outputs are {name: shape}, constants {name: numpy array}."""
    from onnx import TensorProto, checker, helper, numpy_helper

    def values(shapes: Mapping[str, Sequence[int]]) -> list[Any]:
        return [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()]

    graph = helper.make_graph(
        [helper.make_node(node.operator, node.inputs, node.outputs, **node.attributes) for node in nodes],
        "tiny",
        values(inputs),
        values(outputs),
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    checker.check_model(model)
    path.write_bytes(model.SerializeToString())
    checkout.report(path)
