"""The prompts of a task's images: their lines, with styles and expansion, and their encodings."""
from random import Random

import modules.constants as constants
import modules.default_pipeline as pipeline
from extras.expansion import safe_str
from modules.sdxl_styles import apply_arrays, apply_style, get_random_style, random_style_name
from modules.util import apply_wildcards, remove_empty_str


def lines_of(text):
    return remove_empty_str([safe_str(line) for line in text.splitlines()], default='')


def process_prompt(task, use_expansion, prompt, negative_prompt, image_number):
    """Return one dict per image: its seed, its lines of prompt, and their encodings."""
    prompt_lines = lines_of(prompt)
    negative_lines = lines_of(negative_prompt)
    pictures = []
    for i in range(image_number):
        seed = (task.seed + (0 if task.disable_seed_increment else i)) % (constants.MAX_SEED + 1)
        rng = Random(seed)
        prompt, *extra = prompt_lines
        negative, *extra_negative = negative_lines

        def filled(text, rng=rng, i=i):
            return apply_wildcards(text, rng, i, task.read_wildcards_in_order)

        prompt = apply_arrays(filled(prompt), i)
        negative = filled(negative)
        extra, extra_negative = [filled(line) for line in extra], [filled(line) for line in extra_negative]
        names = [get_random_style(rng) if name == random_style_name else name
                 for name in task.style_selections]
        positives, negatives, prompt_is_in = [], [], False
        for name in names:
            lines, against, has_placeholder = apply_style(name, positive=prompt)
            positives, negatives = positives + lines, negatives + against
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
