"""Detects network drives, and folders that OneDrive synchronises, if the system reports them."""

from __future__ import annotations

import contextlib
import importlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path, PurePath

import psutil

NETWORK_FILE_SYSTEMS = (
    "nfs",
    "cifs",
    "smb",
    "9p",
    "afs",
    "sshfs",
    "webdav",
    "davfs",
    "glusterfs",
    "lustre",
    "ceph",
    "drvfs",
)
"""File systems that several machines may write to: SQLite's write-ahead log needs memory that they don't share."""
ONEDRIVE_VARIABLES = ("OneDrive", "OneDriveConsumer", "OneDriveCommercial")
"""Environment variables in which Windows names the folders that OneDrive synchronises, the desktop and the documents included."""
DRIVE_REMOTE = 4


def on_network_drive(path: Path) -> bool:
    """Return whether other machines may write to a path, as named or with every link resolved."""
    return any(map(_is_on_network, named_and_resolved(path)))


def named_and_resolved(path: Path) -> tuple[Path, ...]:
    """Return the absolute path, and its target with links and junctions resolved, if that can be read."""
    named = path.absolute()
    try:
        return named, named.resolve()
    except (OSError, RuntimeError):  # Python before 3.13 raises the last for a link in a circle
        return (named,)


def _is_on_network(path: Path) -> bool:
    if os.name == "nt":
        return is_remote(path)
    kind, options = _mount_of(path)
    return any(name in f"{kind} {options}".lower() for name in NETWORK_FILE_SYSTEMS) or "remote" in options.split(",")


def keeps_numbers(path: Path) -> bool:
    """Return whether a file keeps its inode number for as long as it is the same file."""
    if os.name == "nt" or on_network_drive(path):
        return False
    return not any("fuse" in _mount_of(one)[0].lower() for one in named_and_resolved(path))


def windows_drive_type(anchor: str) -> int:
    """Return `GetDriveTypeW` of a drive like `C:\\`; 0 means unknown, as on other systems."""
    if os.name != "nt":
        return 0
    return int(importlib.import_module("ctypes").windll.kernel32.GetDriveTypeW(anchor))


def is_remote(path: PurePath, drive_type: Callable[[str], int] = windows_drive_type) -> bool:
    """Return whether a path is on a share (`\\\\nas\\share`) or on a drive letter mapped to one. Only this path's drive is
    queried.

    Listing all drives would wait for those that are not connected.
    """
    return path.drive.startswith("\\\\") or drive_type(path.anchor) == DRIVE_REMOTE


def synchronised_by_onedrive(path: PurePath, environment: Mapping[str, str] = os.environ) -> bool:
    """Return whether a path is below a folder that OneDrive synchronises."""
    folders = (environment.get(name) for name in ONEDRIVE_VARIABLES)
    return any(path.is_relative_to(type(path)(folder)) for folder in folders if folder)


def _mount_of(path: Path) -> tuple[str, str]:
    """Return the type of a path's file system, and its mount options; empty strings if the system does not report them."""
    with contextlib.suppress(OSError, RuntimeError):
        mounts = [part for part in psutil.disk_partitions(all=True) if path.is_relative_to(part.mountpoint)]
        if mounts:
            mount = max(mounts, key=lambda part: len(part.mountpoint))
            return mount.fstype, mount.opts
    return "", ""
