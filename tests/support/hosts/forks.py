"""Demo checkouts with additional task arguments, as forks of Fooocus have."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from fooocus_api.tests.support.host import DEMO
from fooocus_api.tests.support.hosts.installation_copies import copy_checkout

END_OF_ARGUMENTS = "        self.images_to_enhance_count = 0\n"
END_OF_CONTROLS = "    quiet = {'queue': False, 'show_progress': False}\n"
ARGUMENTS = """
        self.fork_detail = args.pop()
        if self.fork_detail:
            self.fork_strength = args.pop()
            for _ in range(modules.config.default_enhance_tabs * 2):
                args.pop()
        else:
            self.fork_strength = args.pop()
            self.fork_parts = [args.pop() for _ in range(modules.config.default_enhance_tabs * 2)]
        self.face_restore_model = args.pop()
        self.fork_swap = args.pop()
        self.fork_vae = args.pop()
        self.fork_tag = args.pop()
        self.fork_place = args.pop()
        self.fork_file = args.pop()
        self.name_prefix = args.pop().strip()
        self.fork_new = args.pop()
        if self.fork_new:
            self.fork_more = args.pop()
        print('[fork] ' + repr((self.fork_detail, self.fork_strength, self.face_restore_model, self.fork_swap,
                                self.fork_vae, self.fork_tag, self.fork_place, self.name_prefix)), flush=True)
"""
CONTROLS = """
    fork_detail = gr.Checkbox(label='More detail', value=False)
    fork_strength = gr.Slider(label='Strength of the detail', minimum=0.5, maximum=4, step=0.1, value=1)
    fork_parts = [gr.Textbox(value='') for _ in range(config.default_enhance_tabs * 2)]
    face_restore_model = gr.Dropdown(label='Face restoration', choices=['none', 'codeformer', 'gfpgan'], value='none')
    fork_swap = gr.Radio(label='Swap', choices=[('at once', 'now'), ('later', 'late')], value='now')
    fork_vae = gr.Dropdown(label='Second VAE', choices=['None'] + config.vae_filenames, value='None')
    fork_tag = gr.Dropdown(label='Tag', choices=['a', 'b'], value='a', allow_custom_value=True)
    fork_place = gr.Dropdown(label='Place', choices=['first', 'second'], value='second', type='index')
    fork_file = gr.File(label='A file')
    name_prefix = gr.Textbox(label='Prefix', value='')
    fork_new = gr.Checkbox(label='New', value=False)
    ctrls += [fork_detail, fork_strength] + fork_parts
    ctrls += [face_restore_model, fork_swap, fork_vae, fork_tag, fork_place, fork_file, name_prefix, fork_new]
"""


def fork_checkout(folder: Path) -> Path:
    """Return a demo checkout whose tasks take additional arguments of many kinds, two of them depending on earlier ones."""
    path = copy_checkout(DEMO, folder)
    insert(path / "modules" / "async_worker.py", END_OF_ARGUMENTS, ARGUMENTS)
    insert(path / "webui.py", END_OF_CONTROLS, CONTROLS)
    return path


def insert(file: Path, before: str, text: str) -> None:
    """Insert text before a line that occurs once."""
    source = file.read_text(encoding="utf-8")
    assert source.count(before) == 1, file
    file.write_text(source.replace(before, f"{text}\n{before}"), encoding="utf-8")


def write_preset(checkout: Path, name: str, **values: Any) -> None:
    """Add a preset to a checkout."""
    (checkout / "presets" / f"{name}.json").write_text(json.dumps(values), encoding="utf-8")


def write_config(checkout: Path, **values: Any) -> None:
    """Write the checkout's config.txt."""
    (checkout / "config.txt").write_text(json.dumps(values), encoding="utf-8")
