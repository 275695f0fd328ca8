"""Handlers of the Generate, Skip and Stop buttons, which add a task to the worker's queue and show its events."""
import os
import random
import time

import gradio as gr

import args_manager
import ldm_patched.modules.model_management as model_management
import modules.async_worker as worker
import modules.constants as constants
import modules.html
from modules.private_logger import get_current_html_path


def refresh_seed(is_random, seed_text):
    try:
        seed = int(seed_text)
    except ValueError:
        seed = -1
    if is_random or not constants.MIN_SEED <= seed <= constants.MAX_SEED:
        return random.randint(constants.MIN_SEED, constants.MAX_SEED)
    return seed


def get_task(*args):
    args = list(args)
    args.pop(0)
    return worker.AsyncTask(args=args)


def generate_clicked(task: worker.AsyncTask):
    """Queue the task and show its events until 'finish'."""
    with model_management.interrupt_processing_mutex:
        model_management.interrupt_processing = False
    if len(task.args) == 0:
        return

    show, hide = gr.update(visible=True), gr.update(visible=False)
    yield gr.update(visible=True, value=modules.html.make_progress_html(1, 'Queued ...')), \
        gr.update(visible=True, value=None), gr.update(visible=False, value=None), hide
    worker.async_tasks.append(task)
    while True:
        time.sleep(0.01)
        if len(task.yields) == 0:
            continue
        flag, product = task.yields.pop(0)
        if flag == 'preview':
            if len(task.yields) > 0 and task.yields[0][0] == 'preview':
                continue  # a newer one is there already
            percentage, title, image = product
            yield gr.update(visible=True, value=modules.html.make_progress_html(percentage, title)), \
                gr.update() if image is None else gr.update(visible=True, value=image), gr.update(), hide
        if flag == 'results':
            yield show, show, gr.update(visible=True, value=product), hide
        if flag == 'finish':
            yield hide, hide, hide, gr.update(visible=True, value=product)
            if args_manager.args.disable_image_log:  # the gallery has copies of its own
                for path in product:
                    if isinstance(path, str) and os.path.exists(path):
                        os.remove(path)
            return


def interrupt(task, how):
    task.last_stop = how
    if task.processing:
        model_management.interrupt_current_processing()
    return task


def history():
    if args_manager.args.disable_image_log:
        return gr.update(value='')
    return gr.update(value=f'<a href="file={get_current_html_path()}" target="_blank">Today\'s images</a>')
