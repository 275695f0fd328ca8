"""Image prompts combined with vary or upscale, with inpaint, and with both at once."""

from common import ball_mask, connect, picture

api = connect(__doc__)

prompt = api.generate(prompt="a harbour at dusk", performance_selection="Lightning")["result"][0]
common = {
    "prompt": "a village",
    "performance_selection": "Lightning",
    "controlnet_image": [{"cn_img": prompt, "cn_stop": 0.5, "cn_weight": 0.6, "cn_type": "ImagePrompt"}],
}
vary = {
    "uov_input_image": picture(),
    "uov_method": "Vary (Strong)",
    "mixing_image_prompt_and_vary_upscale": True,
}
inpaint = {
    "inpaint_input_image": picture(),
    "inpaint_mask_image_upload": ball_mask(),
    "mixing_image_prompt_and_inpaint": "true",
}
api.save("mixing-vary", *api.generate(**common, **vary)["result"])
api.save("mixing-inpaint", *api.generate(**common, **inpaint)["result"])
api.save("mixing-all", *api.generate(**common, **vary, **inpaint)["result"])
