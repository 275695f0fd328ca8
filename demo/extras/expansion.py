"""Prompt expansion: words of the engine's own, the same for the same prompt and seed."""
import re
from random import Random

import modules.torch_generator as torch

WORDS = ['soft clouds', 'gentle light', 'calm', 'wide view', 'clear air', 'harmonious colours', 'fine detail',
         'drifting clouds']


def safe_str(x) -> str:
    """Return the text without repeated spaces, and without commas, stops and white space at its ends."""
    return re.sub(' +', ' ', str(x)).strip(',. \r\n')


class FooocusExpansion:
    def __call__(self, prompt: str, seed: int) -> str:
        if prompt == '':
            return ''
        torch.manual_seed(seed)  # the real one seeds every generator of the process
        return ', '.join([safe_str(prompt), *Random(f'{seed} {prompt}').sample(WORDS, 3)])
