"""Controls of the image prompts."""
import gradio as gr

import modules.config as config
import modules.flags as flags
from webui_parts.controls import picture, slider


def image_prompt_controls():
    """Make a row for each image prompt, and return the controls of all rows as one list."""
    ip_ctrls = []
    for i in range(1, config.default_controlnet_image_count + 1):
        with gr.Row():
            ip_ctrls += [picture(f'Image {i}', value=config.default_ip_images[i]),
                         slider('Stop at', 0.0, 1.0, 0.001, config.default_ip_stop_ats[i]),
                         slider('Weight', 0.0, 2.0, 0.001, config.default_ip_weights[i]),
                         gr.Radio(label='Type', choices=flags.ip_list, value=config.default_ip_types[i])]
    return ip_ctrls
