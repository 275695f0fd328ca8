"""The page, made with real Gradio partly in `webui_parts`. `ctrls` has the order of AsyncTask's arguments."""
import asyncio

import gradio as gr

import args_manager
import fooocus_version
import launch  # noqa: F401 - runs launch.py a second time, as it does in the real host
import modules.async_worker as worker
import modules.config as config
import modules.constants as constants
import modules.flags as flags
import modules.html
import shared
from modules.auth import auth_enabled, check_auth
from modules.sdxl_styles import legal_style_names
from webui_parts.controls import check, menu, picture, slider
from webui_parts.enhance import enhance_tabs
from webui_parts.generation import generate_clicked, get_task, history, interrupt, refresh_seed
from webui_parts.image_prompts import image_prompt_controls
from webui_parts.models import models_tab
from webui_parts.updates import preset_values, refresh_files_clicked

# As in the real host, Gradio's waits, and those of all other code in this process, take up to 18 hours.
wait_for = asyncio.wait_for
asyncio.wait_for = lambda awaitable, timeout: wait_for(awaitable, 65535)

title = f'Fooocus demo host {fooocus_version.version}'
if args_manager.args.preset:
    title += f' {args_manager.args.preset}'

shared.gradio_root = gr.Blocks(title=title).queue()

with shared.gradio_root:
    currentTask = gr.State(worker.AsyncTask(args=[]))
    with gr.Row():
        with gr.Column(scale=2):
            progress_window = gr.Image(label='Preview', visible=False, height=512)
            progress_gallery = gr.Gallery(label='Finished so far', visible=False, height=512,
                                          object_fit='contain')
            progress_html = gr.HTML(value=modules.html.make_progress_html(0, ''), visible=False,
                                    elem_id='progress-bar')
            gallery = gr.Gallery(label='Images', show_label=False, visible=True, height=512,
                                 object_fit='contain',
                                 elem_id='final_gallery')
            with gr.Row():
                with gr.Column(scale=5):
                    prompt = gr.Textbox(show_label=False, lines=3, autofocus=True, container=False,
                                        elem_id='positive_prompt', value=config.default_prompt,
                                        placeholder='What do you want to see? Try: a cat, a lake at night')
                with gr.Column(scale=1, min_width=120):
                    generate_button = gr.Button('Generate', variant='primary', elem_id='generate_button')
                    skip_button = gr.Button('Skip', elem_id='skip_button', visible=False)
                    stop_button = gr.Button('Stop', variant='stop', elem_id='stop_button', visible=False)
            with gr.Row():
                input_image_checkbox = check('Input Image', config.default_image_prompt_checkbox)
                enhance_checkbox = check('Enhance', config.default_enhance_checkbox)
                advanced_checkbox = check('Advanced', config.default_advanced_checkbox)

            with gr.Row(visible=config.default_image_prompt_checkbox) as image_input_panel:
                with gr.Tabs(selected=config.default_selected_image_input_tab_id):
                    with gr.Tab('Upscale or Variation', id='uov_tab') as uov_tab:
                        uov_input_image = picture('Image')
                        uov_method = gr.Radio(label='Method', choices=flags.uov_list,
                                              value=config.default_uov_method)
                    with gr.Tab('Image Prompt', id='ip_tab') as ip_tab:
                        ip_ctrls = image_prompt_controls()
                    with gr.Tab('Inpaint or Outpaint', id='inpaint_tab') as inpaint_tab:
                        inpaint_input_image = picture('Image, with what is to change painted over',
                                                      tool='sketch',
                                                      brush_color='#FFFFFF', elem_id='inpaint_canvas')
                        outpaint_selections = gr.CheckboxGroup(label='Outpaint',
                                                               choices=['Left', 'Right', 'Top', 'Bottom'],
                                                               value=[])
                        inpaint_additional_prompt = gr.Textbox(label='Additional prompt')
                        inpaint_advanced_masking_checkbox = check('Use a mask image',
                                                                  config.default_inpaint_advanced_masking_checkbox)
                        inpaint_mask_image = picture('Mask', tool='sketch', brush_color='#FFFFFF',
                                                     elem_id='inpaint_mask_canvas')
                        invert_mask_checkbox = check('Invert the mask', config.default_invert_mask_checkbox)
                    with gr.Tab('Enhance', id='enhance_tab') as enhance_tab:
                        enhance_input_image = picture('Image to enhance')
            current_tab = gr.Textbox(value='uov', visible=False)
            for tab, tab_name in ((uov_tab, 'uov'), (ip_tab, 'ip'), (inpaint_tab, 'inpaint'),
                                  (enhance_tab, 'enhance')):
                tab.select(lambda tab_name=tab_name: tab_name, outputs=current_tab, queue=False,
                           show_progress=False)

            with gr.Row(visible=config.default_enhance_checkbox) as enhance_input_panel:
                enhance_uov_method, enhance_uov_processing_order, enhance_uov_prompt_type, enhance_ctrls = \
                    enhance_tabs()

        with gr.Column(scale=1, visible=config.default_advanced_checkbox) as advanced_column:
            with gr.Tab('Settings'):
                if not args_manager.args.disable_preset_selection:
                    preset_selection = menu('Preset', config.available_presets,
                                            args_manager.args.preset or 'initial')
                performance_selection = gr.Radio(label='Performance', choices=flags.Performance.values(),
                                                 value=config.default_performance)
                with gr.Accordion('Size', open=False):
                    aspect_ratios_selection = gr.Radio(label='Width × height',
                                                       choices=config.available_aspect_ratios_labels,
                                                       value=config.default_aspect_ratio)
                image_number = slider('Number of images', 1, config.default_max_image_number, 1,
                                      config.default_image_number)
                output_format = gr.Radio(label='Format', choices=flags.OutputFormat.list(),
                                         value=config.default_output_format)
                negative_prompt = gr.Textbox(label='Negative Prompt', lines=2, elem_id='negative_prompt',
                                             value=config.default_prompt_negative,
                                             placeholder='What do you not want to see?')
                seed_random = check('Random seed', True)
                image_seed = gr.Textbox(label='Seed', value=0, max_lines=1, visible=False)
                history_link = gr.HTML()
            with gr.Tab('Styles'):
                style_selections = gr.CheckboxGroup(label='Styles', choices=legal_style_names,
                                                    value=config.default_styles.copy())
            base_model, refiner_model, refiner_switch, lora_ctrls, refresh_files = models_tab()
            with gr.Tab('Advanced'):
                guidance_scale = slider('Guidance Scale', 1.0, 30.0, 0.01, config.default_cfg_scale)
                sharpness = slider('Sharpness', 0.0, 30.0, 0.001, config.default_sample_sharpness)
                with gr.Accordion('Sampling', open=False):
                    sampler_name = menu('Sampler', flags.sampler_list, config.default_sampler)
                    scheduler_name = menu('Scheduler', flags.scheduler_list, config.default_scheduler)
                    vae_name = menu('VAE', [flags.default_vae] + config.vae_filenames, config.default_vae)
                    clip_skip = slider('CLIP skip', 1, flags.clip_skip_max, 1, config.default_clip_skip)
                    adm_scaler_positive = slider('Positive ADM scale', 0.1, 3.0, 0.001, 1.5)
                    adm_scaler_negative = slider('Negative ADM scale', 0.1, 3.0, 0.001, 0.8)
                    adm_scaler_end = slider('ADM ends at', 0.0, 1.0, 0.001, 0.3)
                    adaptive_cfg = slider('Guidance of TSNR', 1.0, 30.0, 0.01, config.default_cfg_tsnr)
                    refiner_swap_method = menu('Refiner swap', ['joint', 'separate', 'vae'],
                                               flags.refiner_swap_method)
                    freeu_ctrls = [check('FreeU'), slider('B1', 0, 2, 0.01, 1.01),
                                   slider('B2', 0, 2, 0.01, 1.02),
                                   slider('S1', 0, 4, 0.01, 0.99), slider('S2', 0, 4, 0.01, 0.95)]
                with gr.Accordion('Overwrites (-1: off)', open=False):
                    overwrite_step = slider('Steps', -1, 200, 1, config.default_overwrite_step)
                    overwrite_switch = slider('Refiner switch step', -1, 200, 1,
                                              config.default_overwrite_switch)
                    overwrite_width = slider('Width', -1, 2048, 1, -1)
                    overwrite_height = slider('Height', -1, 2048, 1, -1)
                    overwrite_vary_strength = slider('Vary strength', -1, 1.0, 0.001, -1)
                    overwrite_upscale_strength = slider('Upscale strength', -1, 1.0, 0.001,
                                                        config.default_overwrite_upscale)
                with gr.Accordion('Output', open=False):
                    generate_image_grid = check('Add a grid of all images')
                    disable_preview = check('No previews', config.default_black_out_nsfw)
                    disable_intermediate_results = check(
                        'No intermediate results',
                        flags.Performance.has_restricted_features(config.default_performance))
                    disable_seed_increment = check('The same seed for all images')
                    read_wildcards_in_order = check('Wildcards in order')
                    black_out_nsfw = check('Black out NSFW', config.default_black_out_nsfw)
                    if not args_manager.args.disable_image_log:
                        save_final_enhanced_image_only = check('Save only the final enhanced image',
                                                               config.default_save_only_final_enhanced_image)
                    if not args_manager.args.disable_metadata:
                        save_metadata_to_images = check('Save metadata in images',
                                                        config.default_save_metadata_to_images)
                        metadata_scheme = gr.Radio(label='Metadata scheme', choices=flags.metadata_scheme,
                                                   value=config.default_metadata_scheme)
                with gr.Accordion('Image input', open=False):
                    mixing_image_prompt_and_vary_upscale = check('Mix image prompts with vary and upscale')
                    mixing_image_prompt_and_inpaint = check('Mix image prompts with inpaint')
                    debugging_cn_preprocessor = check('Debug preprocessors')
                    skipping_cn_preprocessor = check('Skip preprocessors')
                    canny_low_threshold = slider('Canny, low', 1, 255, 1, 64)
                    canny_high_threshold = slider('Canny, high', 1, 255, 1, 128)
                    controlnet_softness = slider('ControlNet softness', 0.0, 1.0, 0.001, 0.25)
                    inpaint_ctrls = [
                        check('Debug inpaint'), check('Inpaint from noise alone'),
                        menu('Inpaint engine', flags.inpaint_engine_versions,
                             config.default_inpaint_engine_version),
                        slider('Inpaint strength', 0.0, 1.0, 0.001, 1.0),
                        slider('Inpaint field', 0.0, 1.0, 0.001, 0.618),
                        inpaint_advanced_masking_checkbox, invert_mask_checkbox,
                        slider('Shrink or grow the mask', -64, 64, 1, 0)]
                    debugging_dino = check('Debug detection')
                    dino_erode_or_dilate = slider('Shrink or grow detections', -64, 64, 1, 0)
                    debugging_enhance_masks_checkbox = check('Debug enhance masks')

    state_is_generating = gr.State(False)

    ctrls = [currentTask, generate_image_grid]
    ctrls += [prompt, negative_prompt, style_selections, performance_selection, aspect_ratios_selection,
              image_number, output_format, image_seed, read_wildcards_in_order, sharpness, guidance_scale]
    ctrls += [base_model, refiner_model, refiner_switch] + lora_ctrls
    ctrls += [input_image_checkbox, current_tab, uov_method, uov_input_image]
    ctrls += [outpaint_selections, inpaint_input_image, inpaint_additional_prompt, inpaint_mask_image]
    ctrls += [disable_preview, disable_intermediate_results, disable_seed_increment, black_out_nsfw]
    ctrls += [adm_scaler_positive, adm_scaler_negative, adm_scaler_end, adaptive_cfg, clip_skip]
    ctrls += [sampler_name, scheduler_name, vae_name]
    ctrls += [overwrite_step, overwrite_switch, overwrite_width, overwrite_height, overwrite_vary_strength]
    ctrls += [overwrite_upscale_strength, mixing_image_prompt_and_vary_upscale,
              mixing_image_prompt_and_inpaint]
    ctrls += [debugging_cn_preprocessor, skipping_cn_preprocessor, canny_low_threshold, canny_high_threshold]
    ctrls += [refiner_swap_method, controlnet_softness]
    ctrls += freeu_ctrls
    ctrls += inpaint_ctrls
    if not args_manager.args.disable_image_log:
        ctrls += [save_final_enhanced_image_only]
    if not args_manager.args.disable_metadata:
        ctrls += [save_metadata_to_images, metadata_scheme]
    ctrls += ip_ctrls
    ctrls += [debugging_dino, dino_erode_or_dilate, debugging_enhance_masks_checkbox, enhance_input_image,
              enhance_checkbox, enhance_uov_method, enhance_uov_processing_order, enhance_uov_prompt_type]
    ctrls += enhance_ctrls

    quiet = {'queue': False, 'show_progress': False}
    for checkbox, panel in ((input_image_checkbox, image_input_panel),
                            (enhance_checkbox, enhance_input_panel),
                            (advanced_checkbox, advanced_column)):
        checkbox.change(lambda on: gr.update(visible=on), inputs=checkbox, outputs=panel, **quiet)
    seed_random.change(lambda on: gr.update(visible=not on), inputs=seed_random, outputs=image_seed, **quiet)
    shared.gradio_root.load(history, outputs=history_link, **quiet)
    stop_button.click(lambda task: interrupt(task, 'stop'), inputs=currentTask, outputs=currentTask, **quiet)
    skip_button.click(lambda task: interrupt(task, 'skip'), inputs=currentTask, outputs=currentTask, **quiet)

    if not args_manager.args.disable_preset_selection:
        preset_outputs = [base_model, refiner_model, refiner_switch, performance_selection, style_selections,
                          guidance_scale, sharpness, adaptive_cfg, clip_skip, sampler_name, scheduler_name,
                          vae_name, overwrite_step, overwrite_switch, image_number, negative_prompt,
                          inpaint_ctrls[2], prompt, aspect_ratios_selection, overwrite_width,
                          overwrite_height] + lora_ctrls
        preset_selection.change(preset_values, inputs=preset_selection, outputs=preset_outputs, **quiet)

    refresh_files_output = [base_model, refiner_model, vae_name] + lora_ctrls[1::3]
    refresh_files.click(refresh_files_clicked, outputs=refresh_files_output, **quiet)

    generate_button.click(lambda: (gr.update(visible=True), gr.update(visible=True),
                                   gr.update(visible=False), [], True),
                          outputs=[stop_button, skip_button, generate_button, gallery, state_is_generating]) \
        .then(fn=refresh_seed, inputs=[seed_random, image_seed], outputs=image_seed) \
        .then(fn=get_task, inputs=ctrls, outputs=currentTask) \
        .then(fn=generate_clicked, inputs=currentTask,
              outputs=[progress_html, progress_window, progress_gallery, gallery]) \
        .then(lambda: (gr.update(visible=True), gr.update(visible=False), gr.update(visible=False), False),
              outputs=[generate_button, stop_button, skip_button, state_is_generating]) \
        .then(fn=history, outputs=history_link)

shared.gradio_root.launch(
    inbrowser=args_manager.args.in_browser,
    server_name=args_manager.args.listen,
    server_port=args_manager.args.port,
    share=args_manager.args.share,
    auth=check_auth if (args_manager.args.share or args_manager.args.listen) and auth_enabled else None,
    allowed_paths=[config.path_outputs],
    blocked_paths=[constants.AUTH_FILENAME]
)
