"""Settings from presets/default.json, config.txt and --preset's preset, later ones first, and the menus' file lists."""
import json
import math
import os
from numbers import Number

import args_manager
import modules.flags as flags
import modules.sdxl_styles
from modules.flags import MetadataScheme, OutputFormat, Performance

root = os.path.abspath(os.path.join(os.path.dirname(__file__), '..'))
config_path = os.environ.get('config_path') or os.path.join(root, 'config.txt')
config_dict: dict = {}


def get_presets() -> list[str]:
    return ['initial'] + sorted(name[:-5] for name in os.listdir(os.path.join(root, 'presets'))
                                if name.endswith('.json'))


def try_get_preset_content(preset) -> dict:
    """Return the content of presets/<preset>.json, or {} if it is missing or unreadable."""
    if isinstance(preset, str):
        try:
            with open(os.path.join(root, 'presets', f'{preset}.json'), encoding='utf-8') as file:
                return json.load(file)
        except (OSError, ValueError) as error:
            print(f'Could not load preset {preset}: {error}')
    return {}


available_presets = get_presets()
preset = args_manager.args.preset
config_dict.update(try_get_preset_content('default'))
if os.path.exists(config_path):
    try:
        with open(config_path, encoding='utf-8') as config_file:
            config_dict.update(json.load(config_file))
    except ValueError as broken:
        print(f'{config_path} is not valid JSON and is not used: {broken}')
config_dict.update(try_get_preset_content(preset))


def _folder(key: str, default: str) -> str:
    path = os.path.abspath(os.path.join(root, config_dict.get(key) or default))
    os.makedirs(path, exist_ok=True)
    return path


def _folders(key: str, default: str) -> list[str]:
    value = config_dict.get(key)
    if isinstance(value, list):
        return [os.path.abspath(os.path.join(root, path)) for path in value]
    return [_folder(key, default)]


def _item(key: str, default, valid):
    """Return a setting. `valid` is a type, list of choices or predicate; invalid values are reported and replaced."""
    value = config_dict.get(key, default)
    if value is None:
        value = 'None'
    if isinstance(valid, type):
        good = isinstance(value, valid) and isinstance(value, bool) == (valid is bool)
    else:
        good = valid(value) if callable(valid) else value in valid
    if not good:
        print(f'{key} can not be {json.dumps(value)} in config.txt or preset: using {json.dumps(default)}')
        value = default
    config_dict[key] = value
    return value


def _between(low, high, kind=Number):
    return lambda value: isinstance(value, kind) and not isinstance(value, bool) and low <= value <= high


paths_checkpoints = _folders('path_checkpoints', 'models/checkpoints')
paths_loras = _folders('path_loras', 'models/loras')
path_embeddings = _folder('path_embeddings', 'models/embeddings')
path_vae = _folder('path_vae', 'models/vae')
path_vae_approx = _folder('path_vae_approx', 'models/vae_approx')
path_upscale_models = _folder('path_upscale_models', 'models/upscale_models')
path_inpaint = _folder('path_inpaint', 'models/inpaint')
path_controlnet = _folder('path_controlnet', 'models/controlnet')
path_clip_vision = _folder('path_clip_vision', 'models/clip_vision')
path_fooocus_expansion = _folder('path_fooocus_expansion', 'models/prompt_expansion/fooocus_expansion')
path_safety_checker = _folder('path_safety_checker', 'models/safety_checker')
path_sam = _folder('path_sam', 'models/sam')
path_wildcards = _folder('path_wildcards', 'wildcards')
if args_manager.args.output_path:
    config_dict['path_outputs'] = os.path.abspath(args_manager.args.output_path)
if args_manager.args.temp_path:
    config_dict['temp_path'] = os.path.abspath(args_manager.args.temp_path)
path_outputs = _folder('path_outputs', 'outputs')
temp_path = _folder('temp_path', 'temp')  # inside the checkout: copies side by side don't empty each other's
temp_path_cleanup_on_launch = _item('temp_path_cleanup_on_launch', True, bool)

default_base_model_name = default_model = _item('default_model', 'demo_daylight.safetensors', str)
previous_default_models = _item('previous_default_models', [], list)
default_refiner_model_name = default_refiner = _item('default_refiner', 'None', str)
default_refiner_switch = _item('default_refiner_switch', 0.8, _between(0, 1))
default_loras_min_weight = _item('default_loras_min_weight', -2, _between(-10, 10))
default_loras_max_weight = _item('default_loras_max_weight', 2, _between(-10, 10))
default_loras = [tuple(x) if len(x) == 3 else (True, *x)
                 for x in _item('default_loras', [[True, 'None', 1.0]] * 5, list)]
default_max_lora_number = _item('default_max_lora_number', len(default_loras) or 5,
                                _between(1, math.inf, int))
default_loras = (default_loras + [(True, 'None', 1.0)] * default_max_lora_number)[:default_max_lora_number]
default_cfg_scale = _item('default_cfg_scale', 7.0, Number)
default_sample_sharpness = _item('default_sample_sharpness', 2.0, Number)
default_sampler = _item('default_sampler', 'dpmpp_2m_sde_gpu', flags.sampler_list)
default_scheduler = _item('default_scheduler', 'karras', flags.scheduler_list)
default_vae = _item('default_vae', flags.default_vae, str)
default_styles = _item('default_styles', ['Fooocus V2', 'Fooocus Enhance', 'Fooocus Sharp'],
                       lambda value: isinstance(value, list)
                       and set(value) <= set(modules.sdxl_styles.legal_style_names))
default_prompt = _item('default_prompt', '', str)
default_prompt_negative = _item('default_prompt_negative', '', str)
default_performance = _item('default_performance', Performance.SPEED.value, Performance.values())
default_image_prompt_checkbox = _item('default_image_prompt_checkbox', False, bool)
default_enhance_checkbox = _item('default_enhance_checkbox', False, bool)
default_advanced_checkbox = _item('default_advanced_checkbox', True, bool)
default_developer_debug_mode_checkbox = _item('default_developer_debug_mode_checkbox', False, bool)
default_image_prompt_advanced_checkbox = _item('default_image_prompt_advanced_checkbox', False, bool)
default_max_image_number = _item('default_max_image_number', 32, _between(1, math.inf, int))
default_image_number = _item('default_image_number', 2, _between(1, default_max_image_number, int))
default_output_format = _item('default_output_format', 'png', OutputFormat.list())
checkpoint_downloads = _item('checkpoint_downloads', {}, dict)
lora_downloads = _item('lora_downloads', {}, dict)
embeddings_downloads = _item('embeddings_downloads', {}, dict)
vae_downloads = _item('vae_downloads', {}, dict)
available_aspect_ratios = _item('available_aspect_ratios', flags.sdxl_aspect_ratios, list)
default_aspect_ratio = _item('default_aspect_ratio', '1152*896' if '1152*896' in available_aspect_ratios
                             else available_aspect_ratios[0], available_aspect_ratios)
default_inpaint_engine_version = _item('default_inpaint_engine_version', 'v2.6',
                                       flags.inpaint_engine_versions)
default_selected_image_input_tab_id = _item('default_selected_image_input_tab_id',
                                            flags.default_input_image_tab,
                                            flags.input_image_tab_ids)
default_uov_method = _item('default_uov_method', flags.disabled, flags.uov_list)
default_controlnet_image_count = _item('default_controlnet_image_count', 4, _between(1, math.inf, int))
default_ip_images, default_ip_types, default_ip_stop_ats, default_ip_weights = {}, {}, {}, {}
for image_count in range(1, default_controlnet_image_count + 1):
    image = _item(f'default_ip_image_{image_count}', 'None', str)
    default_ip_images[image_count] = None if image == 'None' else image
    default_ip_types[image_count] = _item(f'default_ip_type_{image_count}', flags.default_ip, flags.ip_list)
    stop, weight = flags.default_parameters[default_ip_types[image_count]]
    default_ip_stop_ats[image_count] = _item(f'default_ip_stop_at_{image_count}', stop, _between(0, 1))
    default_ip_weights[image_count] = _item(f'default_ip_weight_{image_count}', weight, _between(0, 2))
default_inpaint_advanced_masking_checkbox = _item('default_inpaint_advanced_masking_checkbox', False, bool)
default_inpaint_method = _item('default_inpaint_method', flags.inpaint_option_default, flags.inpaint_options)
default_invert_mask_checkbox = _item('default_invert_mask_checkbox', False, bool)
default_cfg_tsnr = _item('default_cfg_tsnr', 7.0, Number)
default_clip_skip = _item('default_clip_skip', 2, _between(1, flags.clip_skip_max, int))
default_overwrite_step = _item('default_overwrite_step', -1, int)
default_overwrite_switch = _item('default_overwrite_switch', -1, int)
default_overwrite_upscale = _item('default_overwrite_upscale', -1, Number)
default_enhance_tabs = _item('default_enhance_tabs', 3, _between(1, 5, int))
default_enhance_uov_method = _item('default_enhance_uov_method', flags.disabled, flags.uov_list)
default_enhance_uov_processing_order = _item('default_enhance_uov_processing_order',
                                             flags.enhancement_uov_before,
                                             flags.enhancement_uov_processing_order)
default_enhance_uov_prompt_type = _item('default_enhance_uov_prompt_type',
                                        flags.enhancement_uov_prompt_type_original,
                                        flags.enhancement_uov_prompt_types)
default_sam_max_detections = _item('default_sam_max_detections', 0, _between(0, 10, int))
default_black_out_nsfw = _item('default_black_out_nsfw', False, bool)
default_save_only_final_enhanced_image = _item('default_save_only_final_enhanced_image', False, bool)
default_save_metadata_to_images = _item('default_save_metadata_to_images', False, bool)
default_metadata_scheme = _item('default_metadata_scheme', MetadataScheme.FOOOCUS.value,
                                [x.value for x in MetadataScheme])
metadata_created_by = _item('metadata_created_by', '', str)
default_inpaint_mask_model = _item('default_inpaint_mask_model', 'isnet-general-use',
                                   flags.inpaint_mask_models)
default_enhance_inpaint_mask_model = _item('default_enhance_inpaint_mask_model', 'sam',
                                           flags.inpaint_mask_models)
default_inpaint_mask_cloth_category = _item('default_inpaint_mask_cloth_category', 'full',
                                            flags.inpaint_mask_cloth_category)
default_inpaint_mask_sam_model = _item('default_inpaint_mask_sam_model', 'vit_b',
                                       flags.inpaint_mask_sam_model)
default_describe_apply_prompts_checkbox = _item('default_describe_apply_prompts_checkbox', True, bool)
default_describe_content_type = _item('default_describe_content_type', [flags.describe_type_photo], list)


def add_ratio(size: str) -> str:
    """Return the menu's text for a size like `1152*896`."""
    width, height = (int(side) for side in size.split('*'))
    divisor = math.gcd(width, height)
    ratio = f'{width // divisor}:{height // divisor}'
    return f'{width}×{height} <span style="color: grey;"> \U00002223 {ratio}</span>'


default_aspect_ratio = add_ratio(default_aspect_ratio)
available_aspect_ratios_labels = [add_ratio(size) for size in available_aspect_ratios]

model_filenames: list[str] = []
lora_filenames: list[str] = []
vae_filenames: list[str] = []
wildcard_filenames: list[str] = []
wildcards_max_bfs_depth = 64


MODEL_EXTENSIONS = ('.pth', '.ckpt', '.bin', '.safetensors', '.fooocus.patch')


def get_model_filenames(folders, extensions=MODEL_EXTENSIONS) -> list[str]:
    """Return the files of one folder or several, with subfolders, as paths relative to the folder."""
    found = []
    for folder in folders if isinstance(folders, list) else [folders]:
        for path, _, names in sorted(os.walk(folder)):
            found += [os.path.relpath(os.path.join(path, name), folder)
                      for name in sorted(names) if name.endswith(extensions)]
    return found


def update_files():
    """Rescan the folders."""
    global model_filenames, lora_filenames, vae_filenames, wildcard_filenames, available_presets
    model_filenames = get_model_filenames(paths_checkpoints)
    lora_filenames = get_model_filenames(paths_loras)
    vae_filenames = get_model_filenames(path_vae)
    wildcard_filenames = get_model_filenames(path_wildcards, ('.txt',))
    available_presets = get_presets()
