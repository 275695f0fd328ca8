"""The request for a task of the WebUI: its controls may hold images and options that the task did not use."""

from __future__ import annotations

from typing import Any

from ..schemas.generate import DISABLED


def as_request(parameters: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters of a task of the WebUI with only those images that its tab uses, by the rules of Fooocus."""
    tab = parameters.get("current_tab") if parameters.get("input_image_checkbox") else None
    mixes_uov = bool(parameters.get("mixing_image_prompt_and_vary_upscale"))
    mixes_inpaint = bool(parameters.get("mixing_image_prompt_and_inpaint"))
    varies = tab == "uov" or (tab == "ip" and mixes_uov)
    varies = varies and bool(parameters.get("uov_input_image")) and _method(parameters) not in DISABLED
    painted = parameters.get("inpaint_mask_image_upload") or parameters.get("outpaint_selections")
    inpaints = tab == "inpaint" or (tab == "ip" and mixes_inpaint)
    inpaints = inpaints and bool(parameters.get("inpaint_input_image") and painted)
    prompts = [item for item in parameters.get("controlnet_image") or [] if item.get("cn_img")]
    prompts = prompts if tab == "ip" or (tab and (mixes_uov or mixes_inpaint)) else []
    request = {**parameters, "controlnet_image": prompts}
    if prompts:
        request.update(mixing_image_prompt_and_vary_upscale=varies, mixing_image_prompt_and_inpaint=inpaints)
    if tab != "enhance":
        request["enhance_input_image"] = None
    if not varies:
        request.update(uov_input_image=None, uov_method="Disabled")
    elif "fast" in _method(parameters):
        request.update(enhance_checkbox=False, controlnet_image=[])
    if not inpaints:
        request.update(inpaint_input_image=None, inpaint_mask_image_upload=None, outpaint_selections=[])
    return request


def _method(parameters: dict[str, Any]) -> str:
    return str(parameters.get("uov_method") or DISABLED[0]).lower()
