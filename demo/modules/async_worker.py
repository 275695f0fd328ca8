"""The task queue and its one worker thread. Argument order and patch points are the real host's."""
import threading

import modules.config


class AsyncTask:
    def __init__(self, args):
        import args_manager
        from modules.config import default_max_lora_number
        from modules.flags import MetadataScheme, Performance, disabled, ip_list
        from modules.util import get_enabled_loras

        self.args = args.copy()
        self.yields = []
        self.results = []
        self.last_stop = False
        self.processing = False

        self.performance_loras = []

        if len(args) == 0:
            return

        args.reverse()
        self.generate_image_grid = args.pop()
        self.prompt = args.pop()
        self.negative_prompt = args.pop()
        self.style_selections = args.pop()
        self.performance_selection = Performance(args.pop())
        self.steps = self.performance_selection.steps()
        self.original_steps = self.steps
        self.aspect_ratios_selection = args.pop()
        self.image_number = args.pop()
        self.output_format = args.pop()
        self.seed = int(args.pop())
        self.read_wildcards_in_order = args.pop()
        self.sharpness = args.pop()
        self.cfg_scale = args.pop()
        self.base_model_name = args.pop()
        self.refiner_model_name = args.pop()
        self.refiner_switch = args.pop()
        self.loras = get_enabled_loras([(bool(args.pop()), str(args.pop()), float(args.pop()))
                                        for _ in range(default_max_lora_number)])
        self.input_image_checkbox = args.pop()
        self.current_tab = args.pop()
        self.uov_method = args.pop()
        self.uov_input_image = args.pop()
        self.outpaint_selections = args.pop()
        self.inpaint_input_image = args.pop()
        self.inpaint_additional_prompt = args.pop()
        self.inpaint_mask_image_upload = args.pop()
        self.disable_preview = args.pop()
        self.disable_intermediate_results = args.pop()
        self.disable_seed_increment = args.pop()
        self.black_out_nsfw = args.pop()
        self.adm_scaler_positive = args.pop()
        self.adm_scaler_negative = args.pop()
        self.adm_scaler_end = args.pop()
        self.adaptive_cfg = args.pop()
        self.clip_skip = args.pop()
        self.sampler_name = args.pop()
        self.scheduler_name = args.pop()
        self.vae_name = args.pop()
        self.overwrite_step = args.pop()
        self.overwrite_switch = args.pop()
        self.overwrite_width = args.pop()
        self.overwrite_height = args.pop()
        self.overwrite_vary_strength = args.pop()
        self.overwrite_upscale_strength = args.pop()
        self.mixing_image_prompt_and_vary_upscale = args.pop()
        self.mixing_image_prompt_and_inpaint = args.pop()
        self.debugging_cn_preprocessor = args.pop()
        self.skipping_cn_preprocessor = args.pop()
        self.canny_low_threshold = args.pop()
        self.canny_high_threshold = args.pop()
        self.refiner_swap_method = args.pop()
        self.controlnet_softness = args.pop()
        self.freeu_enabled = args.pop()
        self.freeu_b1 = args.pop()
        self.freeu_b2 = args.pop()
        self.freeu_s1 = args.pop()
        self.freeu_s2 = args.pop()
        self.debugging_inpaint_preprocessor = args.pop()
        self.inpaint_disable_initial_latent = args.pop()
        self.inpaint_engine = args.pop()
        self.inpaint_strength = args.pop()
        self.inpaint_respective_field = args.pop()
        self.inpaint_advanced_masking_checkbox = args.pop()
        self.invert_mask_checkbox = args.pop()
        self.inpaint_erode_or_dilate = args.pop()
        self.save_final_enhanced_image_only = args.pop() if not args_manager.args.disable_image_log else False
        self.save_metadata_to_images = args.pop() if not args_manager.args.disable_metadata else False
        self.metadata_scheme = MetadataScheme(
            args.pop()) if not args_manager.args.disable_metadata else MetadataScheme.FOOOCUS

        self.cn_tasks = {x: [] for x in ip_list}
        for _ in range(modules.config.default_controlnet_image_count):
            cn_img = args.pop()
            cn_stop = args.pop()
            cn_weight = args.pop()
            cn_type = args.pop()
            if cn_img is not None:
                self.cn_tasks[cn_type].append([cn_img, cn_stop, cn_weight])

        self.debugging_dino = args.pop()
        self.dino_erode_or_dilate = args.pop()
        self.debugging_enhance_masks_checkbox = args.pop()

        self.enhance_input_image = args.pop()
        self.enhance_checkbox = args.pop()
        self.enhance_uov_method = args.pop()
        self.enhance_uov_processing_order = args.pop()
        self.enhance_uov_prompt_type = args.pop()
        self.enhance_ctrls = []
        for _ in range(modules.config.default_enhance_tabs):
            enhance_enabled = args.pop()
            enhance_mask_dino_prompt_text = args.pop()
            enhance_prompt = args.pop()
            enhance_negative_prompt = args.pop()
            enhance_mask_model = args.pop()
            enhance_mask_cloth_category = args.pop()
            enhance_mask_sam_model = args.pop()
            enhance_mask_text_threshold = args.pop()
            enhance_mask_box_threshold = args.pop()
            enhance_mask_sam_max_detections = args.pop()
            enhance_inpaint_disable_initial_latent = args.pop()
            enhance_inpaint_engine = args.pop()
            enhance_inpaint_strength = args.pop()
            enhance_inpaint_respective_field = args.pop()
            enhance_inpaint_erode_or_dilate = args.pop()
            enhance_mask_invert = args.pop()
            if enhance_enabled:
                self.enhance_ctrls.append([
                    enhance_mask_dino_prompt_text, enhance_prompt, enhance_negative_prompt,
                    enhance_mask_model, enhance_mask_cloth_category, enhance_mask_sam_model,
                    enhance_mask_text_threshold, enhance_mask_box_threshold, enhance_mask_sam_max_detections,
                    enhance_inpaint_disable_initial_latent, enhance_inpaint_engine,
                    enhance_inpaint_strength, enhance_inpaint_respective_field,
                    enhance_inpaint_erode_or_dilate, enhance_mask_invert])
        self.should_enhance = self.enhance_checkbox and (self.enhance_uov_method != disabled.casefold()
                                                         or len(self.enhance_ctrls) > 0)
        self.images_to_enhance_count = 0
        self.enhance_stats = {}


async_tasks = []


class EarlyReturnException(BaseException):
    pass


def worker():
    global async_tasks

    import os
    import time
    import traceback
    from random import Random

    import numpy as np
    from PIL import Image

    import fooocus_version
    import ldm_patched.modules.model_management as model_management
    import modules.config as config
    import modules.constants as constants
    import modules.default_pipeline as pipeline
    import modules.trace as trace
    from extras.censor import default_censor
    from modules.enhance import enhance_steps
    from modules.flags import Performance
    from modules.image_input import default_size, plan_for
    from modules.meta_parser import get_metadata_parser
    from modules.private_logger import log
    from modules.sdxl_styles import apply_style, fooocus_expansion, get_random_style, random_style_name
    from modules.util import parse_lora_references_from_prompt, remove_empty_str

    print(f'Started worker with PID {os.getpid()}')

    def progressbar(task, number, text):
        print(f'[Demo] {text}')
        task.yields.append(['preview', (number, text, None)])

    def yield_result(task, results, show):
        task.results = task.results + results
        if show:
            task.yields.append(['results', task.results])

    def build_image_wall(task):
        """Add one array with all results in a grid, if there are several of one size."""
        images = [np.array(Image.open(x).convert('RGB')) if isinstance(x, str) else x for x in task.results]
        if len(images) < 2 or len({image.shape for image in images}) > 1:
            return
        columns = int(np.ceil(len(images) ** .5))
        images += [np.zeros_like(images[0])] * (-len(images) % columns)
        wall = np.vstack([np.hstack(images[i:i + columns]) for i in range(0, len(images), columns)])
        task.results = task.results + [wall]

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

    def lines_of(text):
        return remove_empty_str([line.strip(',. \r\n') for line in text.splitlines()], default='')

    def process_prompt(task, use_expansion, prompt, negative_prompt, image_number):
        """Return one dict per image: its seed, its lines of prompt, and their encodings."""
        prompt, *extra = lines_of(prompt)
        negative, *extra_negative = lines_of(negative_prompt)
        pictures = []
        for i in range(image_number):
            seed = (task.seed + (0 if task.disable_seed_increment else i)) % (constants.MAX_SEED + 1)
            rng = Random(seed)
            names = [get_random_style(rng) if name == random_style_name else name
                     for name in task.style_selections]
            positives, negatives, prompt_is_in = [], [], False
            for name in names:
                lines, negative_lines, has_placeholder = apply_style(name, positive=prompt)
                positives, negatives = positives + lines, negatives + negative_lines
                prompt_is_in = prompt_is_in or has_placeholder
            positives = remove_empty_str(([] if prompt_is_in else [prompt]) + positives + extra,
                                         default=prompt)
            negatives = remove_empty_str(negatives + [negative] + extra_negative, default=negative)
            expansion = pipeline.final_expansion(prompt, seed) if use_expansion and prompt else ''
            positives += remove_empty_str([expansion])
            pictures.append({'task_seed': seed, 'styles': names, 'positive': positives, 'negative': negatives,
                             'expansion': expansion, 'log_positive_prompt': '\n'.join([prompt] + extra),
                             'log_negative_prompt': '\n'.join([negative] + extra_negative),
                             'c': pipeline.clip_encode(positives), 'uc': pipeline.clip_encode(negatives)})
        return pictures

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
        return log(image, d, parser, task.output_format, picture, persist_image)

    def handler(task):
        task.processing = True
        task.outpaint_selections = [side.lower() for side in task.outpaint_selections]
        task.uov_method = task.uov_method.casefold()
        task.enhance_uov_method = task.enhance_uov_method.casefold()
        use_expansion = fooocus_expansion in task.style_selections
        task.style_selections = [name for name in task.style_selections if name != fooocus_expansion]
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
        task.loras, first = parse_lora_references_from_prompt(first, task.loras, config.default_max_lora_number,
                                                              lora_filenames=config.lora_filenames)
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
                if modules.config.default_black_out_nsfw or task.black_out_nsfw:
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

    while True:
        time.sleep(0.01)
        if len(async_tasks) > 0:
            trace.mark('pop')
            task = async_tasks.pop(0)

            try:
                handler(task)
                if task.generate_image_grid:
                    build_image_wall(task)
                trace.mark('finish')
                task.yields.append(['finish', task.results])
                trace.mark('done')
                trace.flush()
                pipeline.prepare_text_encoder(async_call=True)
            except:  # noqa: E722 - as the real host does: it prints a failure, which then looks like an empty success
                traceback.print_exc()
                task.yields.append(['finish', task.results])


threading.Thread(target=worker, daemon=True).start()
