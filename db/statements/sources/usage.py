"""Ownership of images and inputs by source, and the images that sources request. Run by the repository's `read` and `write`."""

from __future__ import annotations

from collections.abc import Sequence

from peewee import EXCLUDED, Case

from ...tables import ImageRow, InputRow, TaskRow, UploadRow, UsageRow


def owns_image(source: str, path: str) -> bool:
    """Return whether the newest task that lists the image is of that source: that task wrote the file last."""
    query = TaskRow.select(TaskRow.source).join(ImageRow).where(ImageRow.path == path)
    return bool(query.order_by(TaskRow.id.desc()).limit(1).scalar() == source)


def images_beginning(beginning: str) -> list[str]:
    """Return the recorded paths that begin so. The characters `%` and `_` are literal."""
    last = beginning[:-1] + chr(ord(beginning[-1]) + 1)
    query = ImageRow.select(ImageRow.path).where((ImageRow.path >= beginning) & (ImageRow.path < last))
    return [path for (path,) in query.tuples() if path.startswith(beginning)]


def recorded(paths: Sequence[str]) -> set[str]:
    """Return those of these images that a record lists."""
    return {path for (path,) in ImageRow.select(ImageRow.path).where(ImageRow.path.in_(list(paths))).tuples()}


def inputs_in_use(file_names: Sequence[str]) -> set[str]:
    """Return those of these inputs that a record uses."""
    used = InputRow.select(InputRow.file_name).where(InputRow.file_name.in_(list(file_names)))
    return {name for (name,) in used.tuples()}


def has_left_traces(source: str) -> bool:
    """Return whether that source has tasks, uploads or images that it requested on a day."""
    return any(table.select().where(table.source == source).exists() for table in (TaskRow, UploadRow, UsageRow))


def owns_input(source: str, file_name: str) -> bool:
    """Return whether that source has uploaded the input, or has a task that uses it."""
    uploads = UploadRow.select(UploadRow.source)
    if uploads.where((UploadRow.file_name == file_name) & (UploadRow.source == source)).exists():
        return True
    tasks = TaskRow.select(TaskRow.id).join(InputRow)
    return bool(tasks.where((InputRow.file_name == file_name) & (TaskRow.source == source)).exists())


def add_upload(source: str, file_name: str) -> None:
    """Record the source that uploaded an input. Changes the database."""
    UploadRow.insert(source=source, file_name=file_name).on_conflict_ignore().execute()


def forget_uploads(file_names: Sequence[str]) -> None:
    """Delete the upload records of these inputs. Changes the database."""
    UploadRow.delete().where(UploadRow.file_name.in_(list(file_names))).execute()


def with_status(source: str, status: str) -> int:
    """Return the number of tasks of that source with a status that few tasks have, such as `pending`."""
    query = TaskRow.select(TaskRow.id).where(TaskRow.status == status)
    # As an expression, the source keeps SQLite from scanning all its tasks by the index on it.
    return int(query.where(TaskRow.source.concat("") == source).count())


def images_asked(source: str, day: int) -> int:
    """Return the number of images that a source has requested on a day."""
    found = UsageRow.select(UsageRow.images).where((UsageRow.source == source) & (UsageRow.day == day)).scalar()
    return int(found or 0)


def ask_for_images(source: str, day: int, number: int) -> None:
    """Add to the number of images requested on a day. Changes the database."""
    so_far = Case(None, [(UsageRow.day == EXCLUDED.day, UsageRow.images)], 0)
    changed = {UsageRow.day: EXCLUDED.day, UsageRow.images: so_far + EXCLUDED.images}
    row = UsageRow.insert(source=source, day=day, images=number)
    row.on_conflict(conflict_target=[UsageRow.source], update=changed).execute()
