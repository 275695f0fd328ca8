"""Styles: named templates around a prompt, read from sdxl_styles/*.json."""
import json
import os
import re
from random import Random

styles_path = os.path.abspath(os.path.join(os.path.dirname(__file__), '../sdxl_styles'))

styles: dict[str, tuple[str, str]] = {}
for name in sorted(os.listdir(styles_path)):
    if name.endswith('.json'):
        with open(os.path.join(styles_path, name), encoding='utf-8') as file:
            for entry in json.load(file):
                styles[entry['name']] = (entry.get('prompt', ''), entry.get('negative_prompt', ''))

style_keys = list(styles)
fooocus_expansion = 'Fooocus V2'  # not a template: it lets the engine add words of its own
random_style_name = 'Random Style'
legal_style_names = [fooocus_expansion, random_style_name] + style_keys


def get_random_style(rng: Random) -> str:
    return rng.choice(style_keys)


def apply_style(style: str, positive: str) -> tuple[list[str], list[str], bool]:
    """Return the style's positive lines, its negative lines, and whether the prompt is among the former."""
    prompt, negative = styles[style]
    return prompt.replace('{prompt}', positive).splitlines(), negative.splitlines(), '{prompt}' in prompt


def apply_arrays(text: str, index: int) -> str:
    """Return the text with one word of each [[a, b]] in it, by the image's index; the first array changes fastest."""
    for array in re.findall(r'\[\[(.*?)\]\]', text):
        words = array.split(',')
        index, chosen = divmod(index, len(words))
        text = text.replace(f'[[{array}]]', words[chosen], 1)
    return text
