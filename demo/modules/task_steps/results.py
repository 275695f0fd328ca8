"""The progress and the results that a task reports."""
import numpy as np
from PIL import Image


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
