"""Extraction of AsyncTask's argument order from source text."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from fooocus_api.adapters.inspection.signature_reader import read_signature
from fooocus_api.adapters.inspection.task_signature import UnknownSignature
from fooocus_api.tests.support.host import DEMO

HEAD = "class AsyncTask:\n    def __init__(self, args):\n        args.reverse()\n"


def names(body: str, **namespace: Any) -> list[str]:
    lines = "".join(f"        {line}\n" for line in body.splitlines())
    return read_signature(HEAD + lines).resolve(namespace)


def test_values_are_named_by_what_they_are_assigned_to() -> None:
    assert names("self.prompt = args.pop()\nself.seed = int(args.pop())") == ["prompt", "seed"]


def test_a_condition_is_the_hosts_own() -> None:
    body = "self.a = args.pop()\nself.b = args.pop() if not flags.off else False\nself.c = args.pop()"
    assert names(body, flags=SimpleNamespace(off=False)) == ["a", "b", "c"]
    assert names(body, flags=SimpleNamespace(off=True)) == ["a", "c"]


def test_an_if_statement_counts_as_well() -> None:
    body = "if new:\n    self.a = args.pop()\nelse:\n    self.b = args.pop()"
    assert names(body, new=True) == ["a"]
    assert names(body, new=False) == ["b"]


def test_groups_repeat_as_often_as_the_host_says() -> None:
    body = "self.loras = f([(bool(args.pop()), str(args.pop())) for _ in range(count)])"
    assert names(body, count=2) == ["loras[0].0", "loras[0].1", "loras[1].0", "loras[1].1"]
    assert names("for _ in range(count):\n    stop = args.pop()\n    kind = args.pop()", count=2) == [
        "stop[0]",
        "kind[0]",
        "stop[1]",
        "kind[1]",
    ]


@pytest.mark.parametrize(
    "source",
    [
        "class Other: pass",
        "class AsyncTask:\n    def __init__(self, args):\n        self.args = args\n",
        "class AsyncTask:\n    def __init__(self, args):\n        self.a = args.pop()\n",
        HEAD + "        while args:\n            self.values.append(args.pop())\n",
        HEAD + "        for name in names:\n            setattr(self, name, args.pop())\n",
    ],
    ids=["no class", "no arguments", "from the end", "while", "loop over names"],
)
def test_another_way_of_building_tasks_is_refused(source: str) -> None:
    with pytest.raises(UnknownSignature):
        read_signature(source).resolve({})


def test_an_expression_that_means_nothing_is_refused_by_name() -> None:
    with pytest.raises(UnknownSignature, match="count"):
        names("for _ in range(count):\n    stop = args.pop()")


def test_the_demo_host_has_the_arguments_of_fooocus_2_5_5() -> None:
    signature = read_signature((DEMO / "modules" / "async_worker.py").read_text(encoding="utf-8"))
    assert "3 repeated groups" in signature.describe()
    modules = SimpleNamespace(
        config=SimpleNamespace(default_max_lora_number=5, default_controlnet_image_count=4, default_enhance_tabs=3)
    )
    flags = SimpleNamespace(args=SimpleNamespace(disable_image_log=False, disable_metadata=False))
    resolved = signature.resolve({"modules": modules, "args_manager": flags, "default_max_lora_number": 5})
    assert len(resolved) == 152
    assert resolved[:4] == ["generate_image_grid", "prompt", "negative_prompt", "style_selections"]
    assert resolved[-1] == "enhance_mask_invert[2]"


CHOICE = """self.first = args.pop()
self.special = args.pop()
if self.special:
    self.kind = 'special'
    args.pop()
    for _ in range(tabs*2):
        args.pop()
else:
    self.kind = args.pop()
    for _ in range(tabs):
        on = args.pop()
        prompt = args.pop()
self.last = args.pop().strip().replace(' ', '_')
"""


@pytest.mark.parametrize(
    ("special", "between"),
    [
        (False, ["kind", "on[0]", "prompt[0]", "on[1]", "prompt[1]"]),
        (True, [f"unnamed[{position}]" for position in range(2, 7)]),
    ],
)
def test_a_condition_may_look_at_an_argument_before_it(special: bool, between: list[str]) -> None:
    signature = read_signature(HEAD + "".join(f"        {line}\n" for line in CHOICE.splitlines()))
    values = [1, special, "x", True, "a", False, "b", "name"]
    assert signature.resolve({"tabs": 2}, values) == ["first", "special", *between, "last"]
    assert signature.deciding({"tabs": 2}, values) == frozenset(), "both ways take as many"


def test_an_argument_that_decides_how_many_there_are_is_known_by_name() -> None:
    body = "self.new = args.pop()\nif self.new:\n    self.a = args.pop()\n    self.b = args.pop()\nself.c = args.pop()"
    signature = read_signature(HEAD + "".join(f"        {line}\n" for line in body.splitlines()))
    assert signature.resolve({}, [False, 1]) == ["new", "c"]
    assert signature.resolve({}, [True, 1, 2, 3]) == ["new", "a", "b", "c"]
    assert signature.deciding({}, [False, 1]) == {"new"}
    with pytest.raises(UnknownSignature, match=r"self\.new"):
        signature.resolve({})


def test_a_forks_tuple_of_a_lora_is_a_lora() -> None:
    body = (
        "for _ in range(2):\n    lora_tuple = (bool(args.pop()), str(args.pop()), float(args.pop()))\n    f(lora_tuple)"
    )
    assert names(body)[:4] == ["loras[0].0", "loras[0].1", "loras[0].2", "loras[1].0"]


def test_a_fork_that_keeps_its_parameters_elsewhere_is_named() -> None:
    taken = "self.seed = args.pop()\nself.sampler = args.pop()\nself.size = args.pop()\n"
    body = f"{taken}self.sampler = common.sampler\nself.size = common.AR"
    with pytest.raises(UnknownSignature, match=r"keeps sampler, size outside of its tasks \(as common\.sampler\)"):
        names(body)
    assert names("self.seed = args.pop()\nself.seed = int(self.seed)\nself.steps = 3") == ["seed"]


def test_pops_inside_a_call_are_arguments_without_a_name() -> None:
    taken = "    for _ in range(2):\n        self.l.append([args.pop(), args.pop()])\n"
    body = f"self.box = args.pop()\nif self.box:\n{taken}self.end = args.pop()"
    signature = read_signature(HEAD + "".join(f"        {line}\n" for line in body.splitlines()))
    assert signature.resolve({}, [False, 1]) == ["box", "end"]
    assert signature.resolve({}, [True])[-1] == "end" and len(signature.resolve({}, [True])) == 6
