"""Image prompts: one or several images guide the result. The first one is an earlier result, given by its URL."""

from common import connect, picture

api = connect(__doc__)

first = api.generate(prompt="a harbour at dusk", performance_selection="Lightning")["result"][0]
record = api.generate(
    prompt="a village",
    performance_selection="Lightning",
    controlnet_image=[
        {"cn_img": first, "cn_stop": 0.5, "cn_weight": 0.6, "cn_type": "ImagePrompt"},
        {"cn_img": picture(), "cn_stop": 0.5, "cn_weight": 0.6, "cn_type": "PyraCanny"},
        {"cn_img": picture(), "cn_type": "CPDS"},
        {"cn_img": "", "cn_stop": 0.5, "cn_weight": 0.6, "cn_type": "FaceSwap"},
    ],
)
api.save("image-prompt", first, *record["result"])
