"""Tabs of the enhancement of images: as a whole, and part by part."""
import gradio as gr

import modules.config as config
import modules.flags as flags
from webui_parts.controls import check, menu, slider


def enhance_tabs():
    """Make the tabs, and return the controls of method, order and prompt, and a list of those of all parts."""
    with gr.Tabs():
        with gr.Tab('Upscale or Variation'):
            enhance_uov_method = gr.Radio(label='Method', choices=flags.uov_list,
                                          value=config.default_enhance_uov_method)
            enhance_uov_processing_order = gr.Radio(label='When',
                                                    choices=flags.enhancement_uov_processing_order,
                                                    value=config.default_enhance_uov_processing_order)
            enhance_uov_prompt_type = gr.Radio(label='Prompt',
                                               choices=flags.enhancement_uov_prompt_types,
                                               value=config.default_enhance_uov_prompt_type)
        enhance_ctrls = []
        for i in range(config.default_enhance_tabs):
            with gr.Tab(f'#{i + 1}'):
                enhance_ctrls += [
                    check('On'), gr.Textbox(label='What to look for'), gr.Textbox(label='Prompt'),
                    gr.Textbox(label='Negative prompt'),
                    menu('Mask model', flags.inpaint_mask_models,
                         config.default_enhance_inpaint_mask_model),
                    menu('Cloth category', flags.inpaint_mask_cloth_category,
                         config.default_inpaint_mask_cloth_category),
                    menu('SAM model', flags.inpaint_mask_sam_model,
                         config.default_inpaint_mask_sam_model),
                    slider('Text threshold', 0.0, 1.0, 0.05, 0.25),
                    slider('Box threshold', 0.0, 1.0, 0.05, 0.3),
                    slider('Most detections (0: all)', 0, 10, 1,
                           config.default_sam_max_detections),
                    check('Start from noise alone'),
                    menu('Inpaint engine', flags.inpaint_engine_versions,
                         config.default_inpaint_engine_version),
                    slider('Denoising strength', 0.0, 1.0, 0.001, 1.0),
                    slider('Field', 0.0, 1.0, 0.001, 0.618),
                    slider('Shrink or grow the mask', -64, 64, 1, 0), check('Invert the mask')]
    return enhance_uov_method, enhance_uov_processing_order, enhance_uov_prompt_type, enhance_ctrls
