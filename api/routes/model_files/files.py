"""`/v1/engine/model-files`: lists and deletes model files, and accepts downloads of new ones."""

from __future__ import annotations

from typing import Annotated, NoReturn

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response

from ....asgi.error_codes import ErrorCode, FieldErrorCode
from ....asgi.problem import shortened
from ....auth.keys import Scope
from ....files.replacing import is_held
from ....model_files.names import name_in_url
from ....tasks.model_files.downloads import TooManyDownloads
from ....tasks.model_files.installed import ModelFileInUse, UnknownModelFile
from ....tasks.model_files.placement import UnknownFolder
from ....tasks.model_files.receiving.records import DownloadErrorCode, DownloadFailed, DownloadRequest
from ...context import ApiContext
from ...path_parameters import MODEL_FILE
from ...requests.json_body import JsonRoute
from ...responses.problems import InvalidFields, Problem, header, invalid_field, responses
from ...security.authorization import require_scope
from ...security.exposure import KEY_IF_EXPOSED
from .download_fields import check_fields
from .schemas import DownloadResponse, ModelFileRequest, ModelFileResponse, ModelFilesResponse

RETRY_AFTER_S = 60

router = APIRouter(
    tags=["model files"], route_class=JsonRoute, dependencies=[require_scope(Scope.ADMIN), KEY_IF_EXPOSED]
)
FolderQuery = Annotated[str | None, Query(description="Only the files of this folder.", max_length=100)]


@router.get("/v1/engine/model-files", summary="Model files by folder", responses=responses(401, 403, 422, 503))
def list_files(context: ApiContext, folder: FolderQuery = None) -> ModelFilesResponse:
    """List the files in Fooocus's model folders with size, time, kind and, where known, hash; and the downloads."""
    parts = context.model_files
    try:
        found = parts.installed.files(folder)
    except UnknownFolder as error:
        raise _unknown_folder(error) from error
    files = {name: [ModelFileResponse.of(file) for file in listed] for name, listed in found.items()}
    return ModelFilesResponse(files=files, downloads=[DownloadResponse.of(record) for record in parts.downloads.all()])


@router.post(
    "/v1/engine/model-files",
    status_code=202,
    summary="Download a model file",
    responses={
        **responses(401, 403, 409, 413, 422, 429, 503),
        202: {"headers": {"Location": header("The URL of the download's state.", required=True)}},
    },
)
def download(context: ApiContext, request: Request, response: Response, body: ModelFileRequest) -> DownloadResponse:
    """Download a file into one of Fooocus's model folders. The answer comes at once; `Location` has the state.

    A broken connection is resumed. The file gets its name only when it is complete and correct: size, SHA-256 and the header of a
    safetensors file are checked. Pickles are refused unless `--allow-pickle-models` is given. Two downloads run at a time.
    """
    parts = context.model_files
    check_fields(body, body.url, body.headers, parts.client)
    name = body.name if body.name is not None else name_in_url(body.url)
    sha256 = body.sha256.lower() if body.sha256 is not None else None
    wanted = DownloadRequest(body.url, body.folder, name, sha256, body.size, dict(body.headers or {}))
    try:
        record = parts.downloads.submit(wanted)
    except UnknownFolder as error:
        raise _unknown_folder(error) from error
    except DownloadFailed as error:
        raise _name_problem(error) from error
    except TooManyDownloads as error:
        message = "too many downloads are unfinished; wait, or cancel some"
        headers = {"Retry-After": str(RETRY_AFTER_S)}
        raise Problem(ErrorCode.TOO_MANY_DOWNLOADS, message, headers=headers) from error
    except OSError as error:
        _raise_unavailable(error)
    response.headers["Location"] = context.urls(request).model_download(record.download_id)
    return DownloadResponse.of(record)


@router.delete(
    MODEL_FILE,
    status_code=204,
    summary="Delete a model file",
    responses={**responses(401, 403, 404, 409, 422, 503), 204: {"description": "The file is deleted."}},
)
def delete(
    context: ApiContext,
    folder: Annotated[str, Path(description="The file's folder.")],
    name: Annotated[str, Path(description="The file's name below the folder, with `/` after sub-folders.")],
) -> Response:
    """Delete a model file. A checkpoint, LoRA or VAE that a queued or running task needs, or that is loaded, answers 409."""
    try:
        context.model_files.installed.delete(folder, name)
    except (UnknownFolder, UnknownModelFile) as error:
        message = (
            f"model file {shortened(f'{folder}/{name}', 100)!r} does not exist; GET /v1/engine/model-files lists them"
        )
        raise Problem(ErrorCode.MODEL_FILE_NOT_FOUND, message) from error
    except ModelFileInUse as error:
        raise Problem(ErrorCode.MODEL_FILE_IN_USE, str(error)) from error
    except OSError as error:
        if is_held(error):
            message = f"{shortened(name, 100)!r} is open in another program; close it and try again"
            raise Problem(ErrorCode.MODEL_FILE_IN_USE, message) from error
        _raise_unavailable(error)
    return Response(status_code=204)


def _unknown_folder(error: UnknownFolder) -> InvalidFields:
    return invalid_field("folder", FieldErrorCode.UNKNOWN_VALUE, shortened(str(error), 100), error.known)


def _name_problem(error: DownloadFailed) -> Problem:
    """Return the problem with the name of a new file."""
    code, message = error.problem.code, error.problem.message
    if code is DownloadErrorCode.NAME_TAKEN:
        return Problem(ErrorCode.MODEL_FILE_EXISTS, message)
    kind = FieldErrorCode.REFUSED if code is DownloadErrorCode.PICKLE_REFUSED else FieldErrorCode.INVALID_FORMAT
    return invalid_field("name", kind, message)


def _raise_unavailable(error: OSError) -> NoReturn:
    message = f"the model folder can't be used: {error.strerror or type(error).__name__}; check its rights and its disk"
    raise Problem(ErrorCode.MODEL_FOLDER_UNAVAILABLE, message) from error
