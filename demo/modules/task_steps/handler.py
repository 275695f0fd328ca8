"""The handling of one task, from its input image and models to its last enhancement."""
import ldm_patched.modules.model_management as model_management
import modules.config as config
import modules.default_pipeline as pipeline
import modules.trace as trace
from extras.censor import default_censor
from modules.flags import Performance
from modules.private_logger import log
from modules.sdxl_styles import fooocus_expansion
from modules.task_steps.enhance import enhance_steps
from modules.task_steps.image_input import default_size, plan_for
from modules.task_steps.prompts import lines_of, process_prompt
from modules.task_steps.results import progressbar, yield_result
from modules.task_steps.saving import save_and_log
from modules.util import parse_lora_references_from_prompt, remove_performance_lora


def apply_performance(task):
    """Apply the settings of the few-step performances."""
    settings = {Performance.EXTREME_SPEED: ('lcm', 'lcm'),
                Performance.LIGHTNING: ('euler', 'sgm_uniform'),
                Performance.HYPER_SD: ('dpmpp_sde_gpu', 'karras')}
    if task.performance_selection in settings:
        task.sampler_name, task.scheduler_name = settings[task.performance_selection]
        task.refiner_model_name, task.refiner_switch = 'None', 1.0
        task.cfg_scale, task.sharpness, task.adaptive_cfg = 1.0, 0.0, 1.0
        task.adm_scaler_positive, task.adm_scaler_negative, task.adm_scaler_end = 1.0, 1.0, 0.0


def handler(task):
    """Generate, save and enhance a task's images, and report its progress."""
    task.processing = True
    task.outpaint_selections = [side.lower() for side in task.outpaint_selections]
    task.uov_method = task.uov_method.casefold()
    task.enhance_uov_method = task.enhance_uov_method.casefold()
    use_expansion = fooocus_expansion in task.style_selections
    if use_expansion:
        task.style_selections.remove(fooocus_expansion)  # in place, as Fooocus does
    if task.base_model_name == task.refiner_model_name:
        task.refiner_model_name = 'None'
    apply_performance(task)
    progressbar(task, 1, 'Waiting ...')

    plan = plan_for(task)
    if plan.finished is not None and task.current_tab != 'enhance':
        progressbar(task, 100, 'Saving image to system ...')
        path = log(plan.finished, [('Upscale (Fast)', 'upscale_fast', '2x')],
                   output_format=task.output_format)
        yield_result(task, [path], False)
        return

    size = default_size(task)[::-1]
    task.steps = plan.steps or task.steps
    switch = int(round(task.steps * task.refiner_switch))
    if task.overwrite_switch > 0:
        switch = task.overwrite_switch
    if task.overwrite_step > 0:
        task.steps = task.overwrite_step

    progressbar(task, 2, 'Loading models ...')
    first, *others = lines_of(task.prompt)
    known_loras = remove_performance_lora(config.lora_filenames, task.performance_selection)
    task.loras, first = parse_lora_references_from_prompt(first, task.loras, config.default_max_lora_number,
                                                          lora_filenames=known_loras)
    task.prompt = '\n'.join([first, *others])
    pipeline.refresh_everything(refiner_model_name=task.refiner_model_name,
                                base_model_name=task.base_model_name,
                                loras=task.loras + task.performance_loras, vae_name=task.vae_name)
    progressbar(task, 3, 'Processing prompts ...')
    enhancements = enhance_steps(task)
    pictures, to_enhance = [], []
    if plan.finished is None:
        pictures = process_prompt(task, use_expansion, task.prompt, task.negative_prompt, task.image_number)
    else:
        to_enhance = [plan.finished]
        yield_result(task, to_enhance, not task.disable_intermediate_results)
    preparation = 4
    progressbar(task, preparation, 'Moving model to GPU ...')
    total = len(pictures) + max(len(pictures), len(to_enhance)) * len(enhancements)
    per_picture = (100 - preparation) / max(total, 1)
    done = 0  # images generated or skipped so far

    def draw(plan, picture, persist_image):
        """Generate and save an image and return it as an array, or None if it was skipped."""
        nonlocal done
        began, done = preparation + per_picture * done, done + 1
        where = f'{done}/{total}'

        def callback(step, x0, x, total_steps, y):
            trace.mark(f'preview {step}')
            task.yields.append(['preview', (int(began + per_picture * (step + 1) / total_steps),
                                            f'Sampling step {step + 1}/{total_steps}, image {where} ...', y)])

        try:
            if task.last_stop is not False:
                model_management.interrupt_current_processing()
            height, width = size if plan.latent is None else plan.latent[0].shape[:2]
            images = [plan.finished] if plan.finished is not None else pipeline.process_diffusion(
                positive_cond=picture['c'], negative_cond=picture['uc'], steps=task.steps, switch=switch,
                width=width, height=height, image_seed=picture['task_seed'], callback=callback,
                sampler_name=task.sampler_name, scheduler_name=task.scheduler_name, latent=plan.latent,
                denoise=plan.denoise, cfg_scale=task.cfg_scale, guides=plan.guides,
                disable_preview=task.disable_preview)
            if config.default_black_out_nsfw or task.black_out_nsfw:
                progressbar(task, int(began + per_picture), 'Checking for NSFW content ...')
                images = default_censor(images)
            progressbar(task, int(began + per_picture), f'Saving image {where} to system ...')
            paths = [save_and_log(task, image, picture, use_expansion, persist_image) for image in images]
            yield_result(task, paths, total > 1 and not task.disable_intermediate_results)
            return images[0]
        except model_management.InterruptProcessingException:
            if task.last_stop != 'skip':
                raise
            print('User skipped')
            task.last_stop = False
            return None

    try:
        keeps_all = not (enhancements and task.save_final_enhanced_image_only)
        for index, picture in enumerate(pictures):
            progressbar(task, int(preparation + per_picture * done),
                        f'Preparing task {index + 1}/{task.image_number} ...')
            image = draw(plan, picture, keeps_all)
            to_enhance += [] if image is None else [image]
        for image in to_enhance:
            for index, step in enumerate(enhancements):
                progressbar(task, int(preparation + per_picture * done),
                            f'Preparing enhancement {index + 1}/{len(enhancements)} ...')
                step_plan = step.plan(image)
                if step_plan is None:
                    done += 1
                    continue
                picture, = process_prompt(task, use_expansion, step.prompt, step.negative_prompt, 1)
                drawn = draw(step_plan, picture, keeps_all or index == len(enhancements) - 1)
                image = image if drawn is None else drawn
    except model_management.InterruptProcessingException:
        print('User stopped')
    task.processing = False
