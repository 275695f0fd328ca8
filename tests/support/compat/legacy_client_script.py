"""A session of Fooocus-API-python-client, in an environment of its own: prints as JSON what the client returned.

Arguments: the server's URL, an API key or "", the path of a PNG file.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import fooocusapi_client as library  # type: ignore[import-not-found]

QUICK = {"performance_selection": "Speed", "style_selections": [], "advanced_params": {"overwrite_step": 2}}


def main(url: str, key: str, picture: str) -> None:
    """Call each method of the client once, and print the results by their names."""
    with library.ApiClient(library.Configuration(host=url)) as connection:
        if key:
            connection.set_default_header("X-API-KEY", key)
        print(json.dumps(session(library.DefaultApi(connection), picture)))


def session(api: Any, picture: str) -> dict[str, Any]:
    """Return what the client's methods returned."""
    done: dict[str, Any] = {"ping": api.ping_ping_get()}
    done["models"] = api.all_models_v1_engines_all_models_get().to_dict()
    done["refreshed"] = api.refresh_models_v1_engines_refresh_models_post().to_dict()
    done["styles"] = api.all_styles_v1_engines_styles_get()
    request = library.Text2ImgRequest.from_dict({"prompt": "a cat", **QUICK})
    done["images"] = plain(api.text2img_generation_v1_generation_text_to_image_post(request))
    waiting = library.Text2ImgRequest.from_dict({"prompt": "a dog", "async_process": True, **QUICK})
    job = plain(api.text2img_generation_v1_generation_text_to_image_post(waiting))
    done["submitted"], done["job"] = job, ended(api, job["job_id"])
    upscale = library.UpscaleOrVaryMethod.UPSCALE_LEFT_PARENTHESIS_FAST_2X_RIGHT_PARENTHESIS
    done["form"] = plain(
        api.img_upscale_or_vary_v1_generation_image_upscale_vary_post(picture, upscale, prompt="a cat")
    )
    try:
        api.query_job_v1_generation_query_job_get("none")
    except library.exceptions.NotFoundException as error:
        done["unknown"] = json.loads(error.body)
    done["queue"] = api.job_queue_v1_generation_job_queue_get().to_dict()
    done["history"] = plain(api.get_history_v1_generation_job_history_get())
    done["stopped"] = api.stop_v1_generation_stop_post().to_dict()
    done["described"] = api.describe_image_v1_tools_describe_image_post(picture).to_dict()
    return done


def ended(api: Any, job_id: str) -> Any:
    """Return a job once it has ended."""
    for _ in range(600):
        job = api.query_job_v1_generation_query_job_get(job_id, require_step_preview=True)
        if job.job_stage.value in ("SUCCESS", "ERROR"):
            return plain(job)
        time.sleep(0.1)
    raise TimeoutError(job_id)


def plain(value: Any) -> Any:
    """Return one of the client's objects as JSON."""
    value = getattr(value, "actual_instance", value)
    if isinstance(value, list):
        return [plain(one) for one in value]
    return json.loads(value.to_json()) if hasattr(value, "to_json") else value


if __name__ == "__main__":
    main(*sys.argv[1:])
