"""Boots a checkout, sends it every row of `rows` over HTTP, and prints the differences between the task that reaches the worker
and the task that the WebUI's controls would have made.

    python arrival.py CHECKOUT --port PORT [launch flags]

The contract tests run it in a process of its own. Nothing is generated: tasks are intercepted as the worker takes them.
"""

from __future__ import annotations

import importlib
import json
import os
import queue
import re
import sys
import threading
import traceback
from pathlib import Path
from typing import Any

PATIENCE = 120
OUR_PREFIX = "fooocus_api_"
NOT_COMPARED = {"args", "yields", "last_stop"}
"""The list that the task was made of, and attributes that the queue itself changes."""


def main() -> None:
    """Install the extension and launch the checkout; a thread sends the rows and ends the process."""
    probe = importlib.import_module("probe")  # it lies next to this script
    checkout = Path(sys.argv[1]).resolve()
    extension = probe.load_extension()
    sys.path[:] = [str(checkout), *sys.path[1:]]
    sys.argv = [str(checkout / "launch.py"), *sys.argv[2:]]
    os.chdir(checkout)

    def build_and_send(installed: Any) -> Any:
        runtime = extension.build_runtime(installed)
        threading.Thread(target=report, args=(installed, probe.MARK), daemon=True).start()
        return runtime

    extension.install(checkout, build_and_send)
    importlib.import_module("launch")


def report(installed: Any, mark: str) -> None:
    try:
        found = Sender(installed).send_all()
    except BaseException:
        found = {"error": traceback.format_exc()}
    print(mark + json.dumps(found), flush=True)
    os._exit(0)


class Sender:
    """Sends rows to the host in this process, and compares the tasks that reach the worker."""

    def __init__(self, installed: Any) -> None:
        self.table = importlib.import_module("fooocus_api.tests.contract.fields")
        self.rows = importlib.import_module("fooocus_api.tests.contract.rows").ROWS
        host = importlib.import_module("fooocus_api.tests.support.host")
        client = importlib.import_module("fooocus_api.tests.support.client")
        self.caught: queue.Queue[Any] = queue.Queue()
        self.webui = sys.modules["webui"]
        self._catch_tasks(installed.worker)
        url = f"http://127.0.0.1:{sys.argv[sys.argv.index('--port') + 1]}"
        client.wait_for(lambda: host.answers(url), "the host to answer")
        self.client = client.Client(url, patience=PATIENCE)

    def _catch_tasks(self, worker: Any) -> None:
        """Intercept the worker's tasks: its thread never gets one, each is put into `caught` instead and ended."""
        take = type(worker.queue).pop

        def pop(tasks: Any, index: Any = -1) -> Any:
            while True:
                task = take(tasks, index)
                if threading.current_thread() is not worker.thread:
                    return task
                self.caught.put(task)
                task.last_stop = "stop"
                task.yields.append(["finish", []])

        type(worker.queue).pop = pop

    def send_all(self) -> dict[str, Any]:
        untouched = self.from_controls({})
        rows: dict[str, Any] = {}
        for name, row in self.rows.items():
            if name in self.table.NOT_EVERYWHERE and not hasattr(self.webui, name):
                continue
            try:
                rows[name] = self.send(row, untouched)
            except AssertionError as error:
                rows[name] = {"differences": [str(error)], "changed": []}
        return {"rows": rows, "schema": self.schema()}

    def send(self, row: Any, untouched: Any) -> dict[str, Any]:
        """Return the differences between the task that arrives and the WebUI's own, and those from an untouched task."""
        row = self._with_choices(row)
        body = {**self.table.BASE.fields, **row.fields}
        response = self.client.post("/v1/engine/generate/", json=body)
        assert response.status_code == 200, f"{response.status_code} {response.text}"
        task = self.caught.get(timeout=PATIENCE)
        assert getattr(task, f"{OUR_PREFIX}task_id") == response.headers["X-Task-Id"]
        expected = self.from_controls(row.controls, row.preset)
        extras = {"save_name": "", "upscale_multiple": 1.0, **row.extras}
        wrong = [
            f"{name}: {kept!r}" for name, kept in self._extras(task).items() if name in extras and kept != extras[name]
        ]
        return {"differences": differences(expected, task) + wrong, "changed": differences(untouched, task)}

    def from_controls(self, values: dict[str, Any], preset: str | None = None) -> Any:
        """Return the task that the WebUI makes if its controls have these values and all others their own, or a preset's."""
        sent = {
            **self._named(self.table.BASE.controls),
            **(self._chosen(preset) if preset else {}),
            **self._named(values),
        }
        controls = self.webui.ctrls
        made = [control.preprocess(sent.get(id(control), control.value)) for control in controls[1:]]
        assert self._named(values).keys() <= {id(control) for control in controls}, f"{list(values)} are not the task's"
        return self.webui.get_task(None, *made)

    def _named(self, values: dict[str, Any]) -> dict[int, Any]:
        return {id(self.control(name)): value for name, value in values.items()}

    def _chosen(self, preset: str) -> dict[int, Any]:
        """Return the values that the page sets in its controls when a preset is chosen."""
        if hasattr(self.webui, "preset_values"):  # the demo's name for it
            controls, values = self.webui.preset_outputs, self.webui.preset_values(preset)
        else:
            mode = self.webui.inpaint_mode.value
            controls, values = self.webui.load_data_outputs, self.webui.preset_selection_change(preset, False, mode)
        updates = zip(controls, values, strict=True)
        given = [(control, value if isinstance(value, dict) else {"value": value}) for control, value in updates]
        return {id(control): update["value"] for control, update in given if "value" in update}

    def control(self, name: str) -> Any:
        variable, _, place = name.partition("[")
        found = getattr(self.webui, variable)
        return found[int(place.rstrip("]"))] if place else found

    def _with_choices(self, row: Any) -> Any:
        """Return the row with a real choice in place of `ANOTHER`."""
        another = self.table.ANOTHER
        names = [name for name, value in row.controls.items() if value == another or value == [another]]
        if not names:
            return row
        (name,) = names
        control = self.control(name)
        values = [choice[1] if isinstance(choice, tuple) else choice for choice in control.choices]
        own = control.value if isinstance(control.value, list) else [control.value]
        choice = next((value for value in values if value not in [*own, "None"]), None)
        assert choice is not None, f"{name} offers nothing but {values}"
        fields, controls = (replaced(values, another, choice) for values in (row.fields, row.controls))
        return type(row)(fields, controls, row.extras, row.preset)

    def schema(self) -> dict[str, list[str]]:
        """Return the field names in the request's schema, of itself and of the items of its lists, without a fork's own."""
        schemas = self.client.get("/v1/openapi.json").json()["components"]["schemas"]
        own = importlib.import_module("fooocus_api.api.schemas.generate").CommonRequest.model_fields
        fields = {
            name: set(schemas[name]["properties"])
            for name in ("CommonRequest", "Lora", "ImagePrompt", "EnhanceControl")
        }
        return {
            name: sorted(found & own.keys() if name == "CommonRequest" else found) for name, found in fields.items()
        }

    @staticmethod
    def _extras(task: Any) -> dict[str, Any]:
        return {
            name.removeprefix(OUR_PREFIX): value for name, value in vars(task).items() if name.startswith(OUR_PREFIX)
        }


def differences(left: Any, right: Any) -> list[str]:
    """Return a line for each attribute whose value differs between two tasks."""
    names = {name for task in (left, right) for name in vars(task) if not name.startswith(OUR_PREFIX)}
    pairs = ((name, getattr(left, name, None), getattr(right, name, None)) for name in sorted(names - NOT_COMPARED))
    return [f"{name}: {shown(one)} became {shown(other)}" for name, one, other in pairs if not same(name, one, other)]


def same(name: str, left: Any, right: Any) -> bool:
    """Return whether the values are equal to the host: an int differs from a float, and every pixel counts."""
    if name == "aspect_ratios_selection":  # the page's value has markup around the size
        return re.findall(r"\d+×\d+", left) == re.findall(r"\d+×\d+", right) != []
    if isinstance(left, float) and type(right) is int:
        return left == right  # the page turns all numbers of a preset into floats
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same("", left[key], right[key]) for key in left)
    if isinstance(left, list | tuple):
        return len(left) == len(right) and all(same("", *pair) for pair in zip(left, right, strict=True))
    if hasattr(left, "dtype"):
        return bool(left.dtype == right.dtype and left.shape == right.shape and (left == right).all())
    return bool(left == right)


def shown(value: Any) -> str:
    return f"an array of {value.shape}" if hasattr(value, "shape") else repr(value)[:200]


def replaced(value: Any, what: str, by: Any) -> Any:
    """Replace `what` by `by` in a nested value."""
    if isinstance(value, dict):
        return {key: replaced(item, what, by) for key, item in value.items()}
    if isinstance(value, list):
        return [replaced(item, what, by) for item in value]
    return by if value == what else value


if __name__ == "__main__":
    main()
