"""Tab of the model files."""
import gradio as gr

import modules.config as config
from webui_parts.controls import check, menu, slider


def models_tab():
    """Make the tab, and return the controls of checkpoint, refiner, switch and LoRAs, and the Refresh button."""
    with gr.Tab('Models'):
        base_model = menu('Checkpoint', config.model_filenames, config.default_base_model_name)
        refiner_model = menu('Refiner', ['None'] + config.model_filenames, config.default_refiner_model_name)
        refiner_switch = slider('Switch to the refiner at', 0.1, 1.0, 0.0001, config.default_refiner_switch)
        lora_ctrls = []
        for i, (on, lora_name, weight) in enumerate(config.default_loras):
            with gr.Row():
                lora_ctrls += [check('On', on),
                               menu(f'LoRA {i + 1}', ['None'] + config.lora_filenames, lora_name),
                               slider('Weight', config.default_loras_min_weight,
                                      config.default_loras_max_weight, 0.01, weight)]
        refresh_files = gr.Button('Refresh')
    return base_model, refiner_model, refiner_switch, lora_ctrls, refresh_files
