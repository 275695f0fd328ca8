"""The stable codes of problem documents and of their `errors`: the only place that lists them. `docs/errors.md` prints them."""

from __future__ import annotations

from enum import Enum


class ErrorCode(str, Enum):
    """Code of a problem document, with the HTTP status that it has and its meaning."""

    status: int
    meaning: str

    def __new__(cls, code: str, status: int, meaning: str) -> ErrorCode:
        member = str.__new__(cls, code)
        member._value_ = code
        member.status = status
        member.meaning = meaning
        return member

    MALFORMED_REQUEST = (
        "malformed_request",
        400,
        "The request violates HTTP, or two programs could read it differently.",
    )
    CLIENT_DISCONNECTED = "client_disconnected", 400, "The connection closed before the request was complete."
    UNAUTHORIZED = "unauthorized", 401, "The request has no API key, token or login, or an invalid one."
    INSUFFICIENT_SCOPE = "insufficient_scope", 403, "The API key lacks a scope; the member `scope` names it."
    KEY_REQUIRED = (
        "key_required",
        403,
        "Other machines can reach this server, and the action needs an API key, but none exists.",
    )
    TOKEN_RESTRICTED = "token_restricted", 403, "The token does not allow this method or this path."
    INVALID_SIGNATURE = "invalid_signature", 403, "The signed URL is incomplete, changed or expired."
    CROSS_ORIGIN_REJECTED = "cross_origin_rejected", 403, "A page of another origin sent the request."
    HOST_NOT_ALLOWED = "host_not_allowed", 403, "The request's Host header does not name this server."
    FILE_NOT_SERVED = "file_not_served", 403, "The WebUI's `/file=` does not serve this file."
    PATH_NOT_FOUND = "path_not_found", 404, "The API has no such path; the member `nearest` may name a similar one."
    TASK_NOT_FOUND = "task_not_found", 404, "No task has this id, or the key may not see it."
    BATCH_NOT_FOUND = "batch_not_found", 404, "No batch has this id, or the key may not see it."
    IMAGE_NOT_FOUND = "image_not_found", 404, "No image has this name, or the key may not see it."
    STYLE_NOT_FOUND = "style_not_found", 404, "No style has this name; the member `nearest` lists similar ones."
    PRESET_NOT_FOUND = "preset_not_found", 404, "No preset has this name; the member `nearest` lists similar ones."
    MODEL_FILE_NOT_FOUND = "model_file_not_found", 404, "The folder has no model file of this name."
    KEY_NOT_FOUND = "key_not_found", 404, "No API key has this name."
    DOWNLOAD_NOT_FOUND = "download_not_found", 404, "No download of a model file has this id."
    METHOD_NOT_ALLOWED = (
        "method_not_allowed",
        405,
        "The path does not support this method; `Allow` lists those it supports.",
    )
    NOT_ACCEPTABLE = "not_acceptable", 406, "The format that `Accept` names can't hold the image."
    WRONG_TASK_STATUS = "wrong_task_status", 409, "The task's status does not permit the action."
    WRONG_BATCH_STATE = "wrong_batch_state", 409, "The batch's state does not permit the action."
    TASK_STOPPED = "task_stopped", 409, "The task was stopped before it had an image."
    INPUTS_DELETED = "inputs_deleted", 409, "Input images of the task were deleted; the member `missing` names them."
    NO_WEBHOOK = "no_webhook", 409, "The task has no webhook."
    NO_API_KEY = "no_api_key", 409, "A token or a session needs an API key, and none exists."
    KEY_EXISTS = "key_exists", 409, "An API key has this name."
    LAST_ADMIN_KEY = "last_admin_key", 409, "Without the key, no other could manage keys."
    KEY_FIXED = "key_fixed", 409, "The key was given with `--apikey`, and lasts until Fooocus is restarted without it."
    PRESET_PROTECTED = "preset_protected", 409, "The preset is Fooocus's or the user's own file, not one of the API's."
    MODEL_FILE_EXISTS = "model_file_exists", 409, "A model file, or a download of one, has this name."
    MODEL_FILE_IN_USE = "model_file_in_use", 409, "A task, the GPU or another program uses the model file."
    WRONG_DOWNLOAD_STATE = "wrong_download_state", 409, "The download's state does not permit the action."
    IMAGE_GONE = "image_gone", 410, "A record lists the image, but its file was deleted."
    PAYLOAD_TOO_LARGE = "payload_too_large", 413, "The body or the image is too large."
    UNSUPPORTED_MEDIA_TYPE = (
        "unsupported_media_type",
        415,
        "The body's `Content-Type` or `Content-Encoding` is not supported.",
    )
    RANGE_NOT_SATISFIABLE = "range_not_satisfiable", 416, "`Range` begins beyond the end of the image."
    INVALID_FIELDS = "invalid_fields", 422, "Fields of the request are invalid; `errors` names each of them."
    INVALID_ROWS = "invalid_rows", 422, "Rows of a batch are invalid; `errors` names the first 100 with row and column."
    REFUSED_BY_FOOOCUS = "refused_by_fooocus", 422, "Fooocus refuses the request's parameters."
    RATE_LIMITED = "rate_limited", 429, "Too many requests in a minute; `limit`, `allowed` and `Retry-After` say more."
    QUOTA_EXCEEDED = "quota_exceeded", 429, "The key's quota is used up; `limit`, `allowed` and `Retry-After` say more."
    QUEUE_FULL = "queue_full", 429, "As many tasks are pending as `--max-pending` allows."
    TOO_MANY_DOWNLOADS = "too_many_downloads", 429, "Too many downloads of model files are unfinished."
    GENERATION_FAILED = (
        "generation_failed",
        500,
        "Fooocus failed on the task, or was interrupted; `error` has its message.",
    )
    TOOL_FAILED = (
        "tool_failed",
        500,
        "Fooocus failed to describe, mask, unload or expand a prompt; `error` has its message.",
    )
    INTERNAL_ERROR = "internal_error", 500, "The API itself failed; Fooocus's console has the details."
    API_UNAVAILABLE = (
        "api_unavailable",
        503,
        "The API can't work with this Fooocus, or could not start; `/v1/info` or Fooocus's console gives the reason.",
    )
    ENGINE_UNAVAILABLE = "engine_unavailable", 503, "Fooocus's worker thread is not running."
    SHUTTING_DOWN = "shutting_down", 503, "Fooocus is shutting down; the task will resume after a restart."
    DATABASE_UNAVAILABLE = "database_unavailable", 503, "The history can't be read or written."
    STORAGE_UNAVAILABLE = "storage_unavailable", 503, "An uploaded image or a preset can't be stored."
    MODEL_FOLDER_UNAVAILABLE = "model_folder_unavailable", 503, "The folder of the model file can't be read or written."
    IMAGE_UNREADABLE = "image_unreadable", 503, "The image's file exists but can't be read now."
    FILE_UNREADABLE = "file_unreadable", 503, "The disk of a file that the WebUI needs does not answer."
    KEYS_UNAVAILABLE = (
        "keys_unavailable",
        503,
        "The list of API keys can't be used; Fooocus's console gives the reason.",
    )
    SERVER_BUSY = (
        "server_busy",
        503,
        "Other requests occupy the memory for large bodies and images, or the tools of a cluster's nodes.",
    )


class FieldErrorCode(str, Enum):
    """Code of one entry of `errors`, with its meaning."""

    meaning: str

    def __new__(cls, code: str, meaning: str) -> FieldErrorCode:
        member = str.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        return member

    REQUIRED = "required", "The field is missing or empty."
    WRONG_TYPE = "wrong_type", "The value has another type, such as text in place of a number."
    OUT_OF_RANGE = "out_of_range", "The number, or the size in pixels, is too small or too large."
    TOO_LONG = "too_long", "The text has too many characters, bytes or words."
    TOO_SHORT = "too_short", "The text has too few characters."
    WRONG_COUNT = (
        "wrong_count",
        "The list has too many or too few entries, a prompt too many arrays or wildcards, or a form too many files.",
    )
    INVALID_FORMAT = "invalid_format", "The text is not of the required form, such as a time, a URL or a file name."
    INVALID_JSON = "invalid_json", "The body is not valid JSON."
    INVALID_FORM = "invalid_form", "The body is not a valid form."
    UNKNOWN_VALUE = "unknown_value", "The value is not one of those known; `allowed` lists the nearest."
    UNKNOWN_FIELD = "unknown_field", "The request has no such field; `allowed` lists the nearest."
    UNREADABLE_IMAGE = "unreadable_image", "The image can't be fetched, found or decoded."
    BLOCKED_ADDRESS = "blocked_address", "The URL's address is private or unknown."
    CONFLICT = "conflict", "The value contradicts another field, or an earlier request."
    NEEDS_FIELD = "needs_field", "The value has an effect only with another field, which is missing."
    DUPLICATE = "duplicate", "The field is given more than once."
    NO_EFFECT = "no_effect", "The value would have no effect on the action."
    UNSUPPORTED = "unsupported", "Fooocus does not apply such a value as it is written."
    REFUSED = "refused", "Fooocus refuses the value."
