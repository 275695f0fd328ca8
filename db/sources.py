"""What belongs to which source of tasks, and how much it has asked for. Called by `tasks`, through the repository's `read`
and `write`.
"""

from __future__ import annotations

from collections.abc import Sequence

from .models import ImageRow, InputRow, TaskRow, UploadRow, UsageRow


def owns_image(source: str, path: str) -> bool:
    """Return True when the newest task that lists the image is of that source: the file has been written for it last."""
    query = TaskRow.select(TaskRow.source).join(ImageRow).where(ImageRow.path == path)
    return bool(query.order_by(TaskRow.id.desc()).limit(1).scalar() == source)


def images_beginning(beginning: str) -> list[str]:
    """Return the recorded paths that begin so. The characters `%` and `_` are themselves."""
    last = beginning[:-1] + chr(ord(beginning[-1]) + 1)
    query = ImageRow.select(ImageRow.path).where((ImageRow.path >= beginning) & (ImageRow.path < last))
    return [path for (path,) in query.tuples() if path.startswith(beginning)]


def owns_input(source: str, file_name: str) -> bool:
    """Whether that source has uploaded the input, or has a task that uses it."""
    uploads = UploadRow.select(UploadRow.source)
    if uploads.where((UploadRow.file_name == file_name) & (UploadRow.source == source)).exists():
        return True
    tasks = TaskRow.select(TaskRow.id).join(InputRow)
    return bool(tasks.where((InputRow.file_name == file_name) & (TaskRow.source == source)).exists())


def add_upload(source: str, file_name: str) -> None:
    """Note who has uploaded an input. Changes the database."""
    UploadRow.insert(source=source, file_name=file_name).on_conflict_ignore().execute()


def forget_uploads(file_names: Sequence[str]) -> None:
    """These inputs are gone. Changes the database."""
    UploadRow.delete().where(UploadRow.file_name.in_(list(file_names))).execute()


def with_status(source: str, status: str) -> int:
    """How many tasks of that source have a status that few have, such as `pending`."""
    query = TaskRow.select(TaskRow.id).where(TaskRow.status == status)
    # As an expression the source can't lead SQLite to look through all that it ever sent.
    return int(query.where(TaskRow.source.concat("") == source).count())


def images_asked(source: str, day: int) -> int:
    """How many images that source has asked for on a day."""
    found = UsageRow.select(UsageRow.images).where((UsageRow.source == source) & (UsageRow.day == day)).scalar()
    return int(found or 0)


def ask_for_images(source: str, day: int, number: int) -> None:
    """Add to what was asked for on a day. Changes the database."""
    images = images_asked(source, day) + number
    if not UsageRow.update(day=day, images=images).where(UsageRow.source == source).execute():
        UsageRow.insert(source=source, day=day, images=images).execute()
