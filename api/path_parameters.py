"""Path parameters that leave other routes their paths, so that each path has the methods that its own routes have."""

from __future__ import annotations

from starlette.convertors import StringConvertor, register_url_convertor


class _TaskId(StringConvertor):
    """A task's id, which is no name of another route below `/tasks/`."""

    regex = "(?!(?:bulk|days|facets)$)[^/]+"


class _ModelFolder(StringConvertor):
    """A folder of model files; below `downloads` are the downloads."""

    regex = "(?!downloads/)[^/]+"


register_url_convertor("task_id", _TaskId())
register_url_convertor("model_folder", _ModelFolder())

TASK = "/tasks/{task_id:task_id}"
"""Path of the routes of a task itself."""
MODEL_FILE = "/v1/engine/model-files/{folder:model_folder}/{name:path}"
"""Path of the routes of a model file."""
