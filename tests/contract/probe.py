"""Boots a checkout with its own interpreter until its WebUI would be served, and prints its findings as JSON.

    python probe.py CHECKOUT [launch flags]

The contract tests run it in a process of its own, since flags and config are read once, at import.
"""

from __future__ import annotations

import copy
import importlib
import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any

MARK = "===probe==="
ROOT = Path(__file__).resolve().parent.parent.parent

SENT: dict[str, Any] = {
    "prompt": "a prompt",
    "negative_prompt": "a negative prompt",
    "performance_selection": "Lightning",
    "aspect_ratios_selection": "704*1408",
    "image_number": 7,
    "output_format": "webp",
    "image_seed": 12345,
    "read_wildcards_in_order": True,
    "sharpness": 3.5,
    "guidance_scale": 5.5,
    "base_model_name": "base.safetensors",
    "refiner_model_name": "refiner.safetensors",
    "refiner_switch": 0.7,
    "disable_preview": True,
    "disable_intermediate_results": True,
    "disable_seed_increment": True,
    "black_out_nsfw": True,
    "adm_scaler_positive": 1.1,
    "adm_scaler_negative": 1.2,
    "adm_scaler_end": 0.4,
    "adaptive_cfg": 8.5,
    "clip_skip": 3,
    "sampler_name": "euler",
    "scheduler_name": "normal",
    "vae_name": "some.vae",
    "overwrite_step": 11,
    "overwrite_switch": 5,
    "overwrite_width": 320,
    "overwrite_height": 384,
    "refiner_swap_method": "vae",
    "freeu_enabled": True,
    "freeu_b1": 1.5,
    "freeu_b2": 1.6,
    "freeu_s1": 0.5,
    "freeu_s2": 0.6,
    "save_metadata_to_images": False,
    "metadata_scheme": "a1111",
    "generate_image_grid": True,
    "uov_method": "Vary (Strong)",
    "overwrite_vary_strength": 0.3,
    "overwrite_upscale_strength": 0.4,
    "inpaint_additional_prompt": "a hat",
    "debugging_inpaint_preprocessor": True,
    "inpaint_disable_initial_latent": True,
    "inpaint_engine": "v1",
    "inpaint_strength": 0.7,
    "inpaint_respective_field": 0.5,
    "inpaint_erode_or_dilate": 3,
    "mixing_image_prompt_and_vary_upscale": True,
    "mixing_image_prompt_and_inpaint": True,
    "debugging_cn_preprocessor": True,
    "skipping_cn_preprocessor": True,
    "canny_low_threshold": 70,
    "canny_high_threshold": 140,
    "controlnet_softness": 0.5,
    "debugging_dino": True,
    "dino_erode_or_dilate": -4,
    "debugging_enhance_masks_checkbox": True,
    "enhance_checkbox": True,
    "enhance_uov_method": "Upscale (2x)",
    "enhance_uov_processing_order": "After Last Enhancement",
    "enhance_uov_prompt_type": "Last Filled Enhancement Prompts",
}
"""A value other than the default for every plain argument."""


def main() -> None:
    """Install the extension and launch the checkout, with `report` in place of its start."""
    checkout = Path(sys.argv[1]).resolve()
    extension = load_extension()
    sys.path[:] = [str(checkout), *sys.path[1:]]
    sys.argv = [str(checkout / "launch.py"), *sys.argv[2:]]
    os.chdir(checkout)

    def report(installed: Any) -> None:
        try:
            found = probe(installed, checkout)
        except Exception:
            found = {"error": traceback.format_exc()}
        print(MARK + json.dumps(found, default=str), flush=True)
        os._exit(0)

    extension.install(checkout, report)
    importlib.import_module("launch")


def load_extension() -> Any:
    sys.path.insert(0, str(ROOT))
    importlib.import_module("load_package").load_package()
    sys.path.remove(str(ROOT))
    return importlib.import_module("fooocus_api.extension")


def probe(installed: Any, checkout: Path) -> dict[str, Any]:
    """Build tasks through the extension's argument mapping and return what the host made of them."""
    parameters = importlib.import_module("fooocus_api.adapters.task_args.mapping")
    async_worker = importlib.import_module("modules.async_worker")
    config = importlib.import_module("modules.config")
    flags = importlib.import_module("modules.flags")
    order = parameters.read_arguments(checkout)
    loras = [
        {"enabled": index % 2 == 0, "model_name": f"lora{index}", "weight": 0.25 + index}
        for index in range(order.list_sizes()["loras"])
    ]
    sent = {**SENT, "style_selections": ["one style"], "loras": loras}
    task = async_worker.AsyncTask(args=order.to_positional(sent, no_images))
    untouched = async_worker.AsyncTask(args=order.to_positional({}, no_images))
    from_controls = async_worker.AsyncTask(args=[control.value for control in sys.modules["webui"].ctrls[1:]])
    empty = async_worker.AsyncTask(args=[])
    return {
        "names": order.names,
        "controls": len(sys.modules["webui"].ctrls),
        "lora_count": order.list_sizes()["loras"],
        "controlnet_images": getattr(config, "default_controlnet_image_count", None) or flags.controlnet_image_count,
        "attributes": {name: plain(value) for name, value in vars(task).items()},
        "named": order.to_named(task.args),
        "defaults_are_the_controls": same(untouched, from_controls),
        "performance": type(task.performance_selection) is flags.Performance,
        "random_seeds": sorted(
            {int(async_worker.AsyncTask(args=order.to_positional({"image_seed": -1}, no_images)).seed) for _ in "123"}
        ),
        "queue": type(async_worker.async_tasks).__name__,
        "worker_found": installed.worker.alive(),
        "copies": copy.deepcopy(empty).yields == [] and copy.deepcopy(empty).last_stop is False,
        "patched": installed.patches.report(),
    }


def no_images(reference: str) -> Any:
    raise AssertionError("nothing here refers to an image")


def same(left: Any, right: Any) -> bool:
    return {k: plain(v) for k, v in vars(left).items()} == {k: plain(v) for k, v in vars(right).items()}


def plain(value: Any) -> Any:
    return value.value if hasattr(value, "value") and not isinstance(value, int) else value


if __name__ == "__main__":
    main()
