"""Parameters in the notations of Fooocus's versions, its forks and other programs, as values without a host."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest

from fooocus_api.images.metadata.reader import read_file, read_text
from fooocus_api.images.metadata.schemes.found import Metadata
from fooocus_api.tests.support.fakes import metadata_files as files

VERSIONS = ("2.2.0", "2.2.1", "2.3.0", "2.3.1", "2.4.3", "2.5.5")
FORMATS = ("PNG", "JPEG", "WEBP")


def given(found: Metadata) -> dict[str, Any]:
    return dict(found.parameters.given())


def rest(found: Metadata) -> dict[str, Any]:
    return {one.name: one.value for one in found.rest}


COMMON = {
    "prompt": files.PROMPT,
    "negative_prompt": files.NEGATIVE,
    "steps": 30,
    "width": 1152,
    "height": 896,
    "guidance_scale": 5.5,
    "seed": str(files.SEED),
}
OF_FOOOCUS = {
    **COMMON,
    "sharpness": 3.5,
    "adm_guidance": [1.4, 0.7, 0.2],
    "base_model": files.MODEL,
    "base_model_hash": files.MODEL_HASH,
    "performance": "Speed",
}


@pytest.mark.parametrize("image_format", FORMATS)
@pytest.mark.parametrize("version", VERSIONS)
def test_fooocuss_own_scheme_is_read_in_every_version(version: str, image_format: str) -> None:
    found = read_file(files.by_fooocus(files.fooocus_text(version), "fooocus", image_format, version))
    assert (found.scheme, found.generator.name, found.generator.version) == ("fooocus", "Fooocus", version)
    assert found.source == ("png:parameters" if image_format == "PNG" else "exif:ifd0")
    assert found.size == files.SIZE and found.by_fooocus and not found.rest and not found.warnings
    values = given(found)
    assert OF_FOOOCUS.items() <= values.items()
    assert values["styles"] == ["Fooocus Sharp"] and values["sampler"] == "euler"
    [lora] = values["loras"]
    assert (lora.name, lora.weight, lora.hash, lora.enabled) == ("demo_warm_light", 0.4, "aabbccddee", True)


@pytest.mark.parametrize("image_format", FORMATS)
@pytest.mark.parametrize("version", VERSIONS)
def test_fooocuss_scheme_a1111_is_read_in_every_version(version: str, image_format: str) -> None:
    found = read_file(files.by_fooocus(files.a1111_line(version), "a1111", image_format, version))
    assert (found.scheme, found.generator.name, found.generator.version) == ("a1111", "Fooocus", version)
    values = given(found)
    assert OF_FOOOCUS.items() <= values.items() and not found.rest
    assert values["full_prompt"] == [files.RESOLVED] and values["sampler"] == "DPM++ 2M SDE Karras"
    [lora] = values["loras"]
    assert (lora.name, lora.weight, lora.hash) == ("demo_warm_light", 0.4, "aabbccddee")


def test_values_of_every_kind_are_typed() -> None:
    text = files.fooocus_text(
        "2.5.5",
        freeu="(1.01, 1.02, 0.99, 0.95)",
        overwrite_switch=12,
        refiner_model="demo_nightfall",
        refiner_model_hash="1122334455",
        refiner_swap_method="separate",
        adaptive_cfg=5,
        styles="""["A 'quoted' one", 'B \\' C']""",
        created_by="Ann",
        lora_combined_2="False : demo : dreamy : -0.5",
        lora_combined_10="ten : 1",
        prompt='一只橘猫\n"quoted: text", it\'s',
    )
    values = given(read_file(files.by_fooocus(text, "fooocus")))
    assert values["freeu"] == [1.01, 1.02, 0.99, 0.95] and values["adaptive_cfg"] == 5
    assert (values["overwrite_switch"], values["refiner_swap_method"]) == (12, "separate")
    assert values["styles"] == ["A 'quoted' one", "B ' C"] and values["created_by"] == "Ann"
    assert [(lora.name, lora.weight, lora.enabled) for lora in values["loras"]] == [
        ("demo_warm_light", 0.4, True),
        ("demo : dreamy", -0.5, False),
        ("ten", 1, True),
    ]
    assert values["prompt"] == '一只橘猫\n"quoted: text", it\'s'


def test_a_value_of_another_type_is_named() -> None:
    text = files.fooocus_text("2.5.5", seed="__import__('os')", resolution="[1] * 9**9", steps="many", styles="exit()")
    found = read_file(files.by_fooocus(text, "fooocus"))
    assert {"seed", "width", "height", "steps"}.isdisjoint(given(found))
    assert {"seed", "resolution", "steps"} <= set(rest(found))
    assert given(found)["styles"] == ["exit()"]  # a name, never code


def test_keys_of_a_fork_are_kept() -> None:
    text = files.fooocus_text("2.5.5", version="Fooocus vExtend v9.3.3 (base version 2.5.5)", type_cfg="Ada", face=1)
    found = read_file(files.by_fooocus(text, "fooocus", "JPEG"))
    assert rest(found) == {"type_cfg": "Ada", "face": 1}
    assert (found.generator.name, found.generator.version) == ("Fooocus vExtend", "9.3.3 (base version 2.5.5)")


PROGRAMS: dict[str, tuple[bytes, str, str | None]] = {
    "FooocusPlus": (files.png({"Comment": json.dumps(files.plus_values())}), "fooocusplus", "FooocusPlus"),
    "FooocusPlus, JPEG": (
        files.with_exif("JPEG", {0x9286: json.dumps(files.plus_values()), 0x927C: "simple"}),
        "fooocusplus",
        "FooocusPlus",
    ),
    "RuinedFooocus": (files.png({"parameters": json.dumps(files.RUINED)}), "ruinedfooocus", "RuinedFooocus"),
    "Fooocus-MRE": (files.png({"Comment": json.dumps(files.MRE)}), "fooocus-mre", "Fooocus-MRE"),
    "Fooocus-MRE, JPEG": (files.with_comment("JPEG", json.dumps(files.MRE)), "fooocus-mre", "Fooocus-MRE"),
    "InvokeAI": (files.png({"invokeai_metadata": json.dumps(files.INVOKE)}), "invokeai", "InvokeAI"),
    "SD.Next": (files.png({"parameters": files.SD_NEXT}), "a1111", "SD.Next"),
    "Civitai": (files.png({"parameters": files.CIVITAI}), "a1111", "Civitai"),
}


@pytest.mark.parametrize("program", PROGRAMS)
def test_programs_that_descend_from_fooocus_and_others_are_read(program: str) -> None:
    content, scheme, name = PROGRAMS[program]
    found = read_file(content)
    assert (found.scheme, found.generator.name) == (scheme, name)
    assert COMMON.items() <= given(found).items()


@pytest.mark.parametrize("program", ["FooocusPlus", "RuinedFooocus", "Fooocus-MRE", "InvokeAI"])
def test_their_loras_and_models_are_read(program: str) -> None:
    values = given(read_file(PROGRAMS[program][0]))
    assert values["base_model"].startswith(files.MODEL)
    [lora] = values["loras"]
    assert lora.name.startswith("demo_warm_light") and lora.weight == 0.4


def test_values_without_a_setting_are_named() -> None:
    assert rest(read_file(PROGRAMS["RuinedFooocus"][0])) == {"denoise": 0.9}
    assert rest(read_file(PROGRAMS["Fooocus-MRE"][0])) == {"input_image_filename": "cat.png"}
    assert rest(read_file(PROGRAMS["InvokeAI"][0])) == {"seamless_x": True}
    assert "Civitai resources" in rest(read_file(PROGRAMS["Civitai"][0]))
    assert {"Parser", "Operations"} <= set(rest(read_file(PROGRAMS["SD.Next"][0])))


def test_a1111s_text_is_read_by_its_grammar() -> None:
    found = read_file(files.png({"parameters": files.A1111}))
    values = given(found)
    assert values["prompt"] == f"{files.TAGGED}\nsecond line" and values["negative_prompt"] == files.NEGATIVE
    assert (values["width"], values["height"], values["steps"]) == (1152, 896, 30)  # not those of Hires
    assert (values["sampler"], values["scheduler"], values["clip_skip"]) == ("DPM++ 2M SDE", "Karras", 2)
    assert (values["refiner_model"], values["refiner_model_hash"]) == ("demo_nightfall", "abcdef0123")
    assert values["refiner_switch"] == 0.8 and (found.generator.name, found.by_fooocus) == ("AUTOMATIC1111", False)
    hires = 'a "robot",\nSteps: 2, Seed: 3'
    assert rest(found) == {"Denoising strength": "0.4", "Hires resize": "1248x1824", "Hires prompt": hires}


def test_forges_and_old_texts_are_read() -> None:
    forge = read_file(files.png({"parameters": files.FORGE}))
    assert forge.generator.name == "Forge" and set(rest(forge)) == {"Distilled CFG Scale", "Module 1"}
    old = read_file(files.png({"parameters": files.OLD_A1111}))
    assert given(old)["sampler"] == "DPM++ 2M Karras" and old.generator.name is None


@pytest.mark.parametrize("image_format", ["JPEG", "WEBP"])
@pytest.mark.parametrize("codec", ["utf-16-be", "utf-16-le", "utf-8"])
def test_a1111s_user_comment_is_read_in_each_byte_order(codec: str, image_format: str) -> None:
    text = files.A1111.replace("waving", "挥手 🐈")
    content = files.with_exif(image_format, {}, {0x9286: b"UNICODE\0" + text.encode(codec)})
    found = read_file(content)
    assert found.source == "exif:exif" and "挥手 🐈" in given(found)["prompt"]


@pytest.mark.parametrize(
    ("content", "scheme"),
    [
        (
            files.png({"prompt": '{"3": {"class_type": "KSampler"}}', "workflow": '{"nodes": [{"type": "A"}]}'}),
            "comfyui",
        ),
        (files.with_exif("WEBP", {0x0110: 'prompt:{"3": {"class_type": "KSampler", "inputs": {}}}'}), "comfyui"),
        (files.png({"Software": "NovelAI", "Comment": '{"uc": "fog", "sampler": "k_euler", "steps": 28}'}), "novelai"),
        (files.png({"parameters": '{"sui_image_params": {"prompt": "a robot", "seed": 7}}'}), "swarmui"),
        (files.png({"sd-metadata": '{"model": "x", "image": {"prompt": []}}'}), "invokeai"),
    ],
    ids=["ComfyUI", "ComfyUI, WebP", "NovelAI", "SwarmUI", "InvokeAI 2"],
)
def test_other_programs_are_recognised(content: bytes, scheme: str) -> None:
    found = read_file(content)
    assert (found.scheme, found.can_repeat, given(found)) == (scheme, False, {})


def test_lost_characters_are_named() -> None:
    text = files.a1111_line("2.5.5", **{"Raw prompt": "??????? ???"})
    assert "question marks" in read_file(files.by_fooocus(text, "a1111", "JPEG")).warnings[0]
    assert not read_file(files.by_fooocus(text, "a1111", "PNG")).warnings
    kept = files.fooocus_text("2.5.5", prompt="一只橘猫")
    assert given(read_file(files.by_fooocus(kept, "fooocus", "JPEG")))["prompt"] == "一只橘猫"


# ---------------------------------------------------------------------------- pasted texts


def test_the_text_of_the_logs_button_is_read() -> None:
    entry = json.dumps(files.log_entry(), indent=0)
    for text, scheme, source in ((entry, "fooocus", "text"), (quote(entry, safe=""), "log-html", "text:log.html")):
        found = read_text(text)
        assert (found.scheme, found.source, found.generator.version) == (scheme, source, "2.1.865")
        assert {**COMMON, "steps": None}.keys() - {"steps"} <= given(found).keys()
        assert given(found)["loras"][0].name == "demo_warm_light.safetensors"


def test_a_log_page_gives_its_first_image() -> None:
    first, second = (json.dumps(files.log_entry() | {"Prompt": name}) for name in ("it's first", "second"))
    page = "".join(
        f"<button onclick=\"to_clipboard('{quote(one, safe='')}')\">Copy</button>" for one in (first, second)
    )
    found = read_text(f"<html>{page}</html>")
    assert given(found)["prompt"] == "it's first" and "2 images" in found.warnings[0]


def test_a_pasted_text_in_a1111s_notation_is_read() -> None:
    found = read_text(files.A1111)
    assert (found.scheme, found.source) == ("a1111", "text") and given(found)["seed"] == str(files.SEED)


@pytest.mark.parametrize("text", ["", "a cat", "{}", "[]", "null", "Steps: 3", '{"prompt": 5}', "%7B%7D", "a: b, c: d"])
def test_a_text_without_parameters_has_no_scheme(text: str) -> None:
    assert read_text(text).scheme is None


def test_a_prompt_that_begins_with_a_quoted_word_is_whole() -> None:
    line = (
        'Steps: 30, Sampler: DPM++ 2M SDE, Seed: 5, Raw prompt: "OPEN" sign, Raw negative prompt: "a, b" , Version: x'
    )
    parameters = read_text(f"a sign\nNegative prompt: b\n{line}").parameters
    assert (parameters.prompt, parameters.negative_prompt) == ('"OPEN" sign', "a, b")


def test_escapes_in_the_names_of_styles_are_read() -> None:
    styles = ["写实\u3000风格", "it's", "a\\b"]
    text = files.fooocus_text("2.5.5", styles=str(styles))
    assert given(read_file(files.by_fooocus(text, "fooocus")))["styles"] == styles


def test_loras_of_one_name_in_two_folders_keep_their_hashes() -> None:
    listed = [["detail", 0.5, "aaaaaaaaaa"], ["detail", 0.8, "bbbbbbbbbb"]]
    slots = {"lora_combined_1": "detail : 0.5", "lora_combined_2": "detail : 0.8"}
    text = files.fooocus_text("2.5.5", loras=listed, **slots)
    loras = given(read_file(files.by_fooocus(text, "fooocus")))["loras"]
    assert [[one.name, one.weight, one.hash] for one in loras] == listed
