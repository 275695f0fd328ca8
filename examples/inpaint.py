"""Inpaint: generate the white area of a mask again. Use your own mask or one from /v1/tools/generate_mask (see mask.py)."""

from common import ball_mask, connect, picture

api = connect(__doc__)

record = api.generate(
    prompt="",
    inpaint_additional_prompt="a pumpkin",
    inpaint_input_image=picture(),
    inpaint_mask_image_upload=f"data:image/png;base64,{ball_mask()}",
    inpaint_mask_upload_checkbox=True,
    performance_selection="Lightning",
)
api.save("inpaint", *record["result"])
