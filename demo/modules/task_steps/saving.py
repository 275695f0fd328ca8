"""Storage of a task's images, with the parameters that its metadata and the day's log show."""
import fooocus_version
import modules.trace as trace
from modules.meta_parser import get_metadata_parser
from modules.private_logger import log
from modules.sdxl_styles import fooocus_expansion


def save_and_log(task, image, picture, use_expansion, persist_image=True):
    height, width = image.shape[:2]
    styles = ([fooocus_expansion] if use_expansion else []) + picture['styles']
    adm = task.adm_scaler_positive, task.adm_scaler_negative, task.adm_scaler_end
    d = [('Prompt', 'prompt', picture['log_positive_prompt']),
         ('Negative Prompt', 'negative_prompt', picture['log_negative_prompt']),
         ('Fooocus V2 Expansion', 'prompt_expansion', picture['expansion']),
         ('Styles', 'styles', str(styles)),
         ('Performance', 'performance', task.performance_selection.value),
         ('Steps', 'steps', task.steps),
         ('Resolution', 'resolution', str((width, height))),
         ('Guidance Scale', 'guidance_scale', task.cfg_scale),
         ('Sharpness', 'sharpness', task.sharpness),
         ('ADM Guidance', 'adm_guidance', str(adm)),
         ('Base Model', 'base_model', task.base_model_name),
         ('Refiner Model', 'refiner_model', task.refiner_model_name),
         ('Refiner Switch', 'refiner_switch', task.refiner_switch),
         ('CLIP Skip', 'clip_skip', task.clip_skip),
         ('Sampler', 'sampler', task.sampler_name),
         ('Scheduler', 'scheduler', task.scheduler_name),
         ('VAE', 'vae', task.vae_name),
         ('Seed', 'seed', str(picture['task_seed']))]
    d += [(f'LoRA {i}', f'lora_combined_{i}', f'{name} : {weight}')
          for i, (name, weight) in enumerate(task.loras, 1)]
    parser = None
    if task.save_metadata_to_images:
        parser = get_metadata_parser(task.metadata_scheme)
        parser.set_data(picture['log_positive_prompt'], picture['positive'],
                        picture['log_negative_prompt'], picture['negative'], task.steps,
                        task.base_model_name, task.refiner_model_name, task.loras, task.vae_name)
    d += [('Metadata Scheme', 'metadata_scheme', task.metadata_scheme.value if parser else False),
          ('Version', 'version', f'Fooocus v{fooocus_version.version}')]
    trace.mark('save')
    path = log(image, d, parser, task.output_format, picture, persist_image)
    trace.mark('saved')
    return path
