"""The prompts of a task's images: their lines, with styles and expansion, and their encodings."""
from random import Random

import modules.constants as constants
import modules.default_pipeline as pipeline
from modules.sdxl_styles import apply_style, get_random_style, random_style_name
from modules.util import remove_empty_str


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
