"""Handlers of the preset menu and the Refresh button, which update the controls of several tabs."""
import gradio as gr

import modules.config as config
import modules.flags as flags


def preset_values(name):
    """Return a preset's values as updates for the WebUI's preset_outputs; the controls that it lacks stay unchanged."""
    content = config.try_get_preset_content(name) if name != 'initial' else config.config_dict
    keys = 'model refiner refiner_switch performance styles cfg_scale sample_sharpness cfg_tsnr clip_skip ' \
           'sampler scheduler vae overwrite_step overwrite_switch image_number prompt_negative ' \
           'inpaint_engine_version'
    values = [content.get(f'default_{key}') for key in keys.split()]
    values.append(content.get('default_prompt') or None)
    ratio = content.get('default_aspect_ratio')
    listed = ratio in config.available_aspect_ratios
    values.append(config.add_ratio(ratio) if listed else None)
    values += [None, None] if not ratio else [-1, -1] if listed else [int(side) for side in ratio.split('*')]
    count = config.default_max_lora_number
    loras = content.get('default_loras', [(None, None, None)] * count)
    triples = [lora if len(lora) == 3 else (True, *lora) for lora in loras]
    values += [value for lora in (triples + [(True, 'None', 1.0)] * count)[:count] for value in lora]
    return [gr.update() if value is None else gr.update(value=value) for value in values]


def refresh_files_clicked():
    config.update_files()
    return [gr.update(choices=config.model_filenames),
            gr.update(choices=['None'] + config.model_filenames),
            gr.update(choices=[flags.default_vae] + config.vae_filenames)] + \
        [gr.update(choices=['None'] + config.lora_filenames)] * config.default_max_lora_number
