"""Kinds of drives that a file may lie on, as far as the system tells: network drives, and folders that OneDrive synchronises."""

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
"""Kinds of file systems that several machines may write: SQLite's write-ahead log needs memory that they don't share."""
ONEDRIVE_VARIABLES = ("OneDrive", "OneDriveConsumer", "OneDriveCommercial")
"""Environment variables in which Windows names the folders that OneDrive synchronises: the desktop and the documents, too."""
DRIVE_REMOTE = 4


def on_network_drive(path: Path) -> bool:
    """Return True when a file would lie where other machines may write, as it is named or once every link is followed."""
    return any(map(_is_on_network, named_and_resolved(path)))


def named_and_resolved(path: Path) -> tuple[Path, ...]:
    """Return the absolute path, and where it leads by links and junctions when that can be read."""
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
    """Return True when a file keeps its number (inode) for as long as it is the same."""
    if os.name == "nt" or on_network_drive(path):
        return False
    return not any("fuse" in _mount_of(one)[0].lower() for one in named_and_resolved(path))


def windows_drive_type(anchor: str) -> int:
    """Return `GetDriveTypeW` of a drive like `C:\\`; 0 is unknown, also on other systems."""
    if os.name != "nt":
        return 0
    return int(importlib.import_module("ctypes").windll.kernel32.GetDriveTypeW(anchor))


def is_remote(path: PurePath, drive_type: Callable[[str], int] = windows_drive_type) -> bool:
    """Return True for a share (`\\\\nas\\share`) and a letter that stands for one. Only this path's drive is asked.

    A list of all drives would wait for those that are not connected.
    """
    return path.drive.startswith("\\\\") or drive_type(path.anchor) == DRIVE_REMOTE


def synchronised_by_onedrive(path: PurePath, environment: Mapping[str, str] = os.environ) -> bool:
    """Return True for a path below a folder that OneDrive keeps the same on several machines."""
    folders = (environment.get(name) for name in ONEDRIVE_VARIABLES)
    return any(path.is_relative_to(type(path)(folder)) for folder in folders if folder)


def _mount_of(path: Path) -> tuple[str, str]:
    """Return the kind of file system that a path lies on, and its options; empty where the system does not tell."""
    with contextlib.suppress(OSError, RuntimeError):
        mounts = [part for part in psutil.disk_partitions(all=True) if path.is_relative_to(part.mountpoint)]
        if mounts:
            mount = max(mounts, key=lambda part: len(part.mountpoint))
            return mount.fstype, mount.opts
    return "", ""
