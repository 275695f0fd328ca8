"""Layout of Fooocus's portable package for Windows, with a Python that behaves like its embedded one."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fooocus_api.tests.support.host import DEMO, ROOT
from fooocus_api.tests.support.hosts.installation_copies import copy_checkout

NAME = "Fooocus_win64 图片 2-5-0"
"""Folder name with spaces and Chinese characters, as users have."""
WRAPPER = """#!/bin/bash
# The embedded Python reads the environment, and the user's site-packages without -s; -I would keep it from both.
options=(-I)
[ -n "$PYTHONUNBUFFERED" ] && options+=(-u)
[ -n "$PYTHONDONTWRITEBYTECODE" ] && options+=(-B)
export EMBEDDED_USER_SITE=1
[ "$1" = -s ] && unset EMBEDDED_USER_SITE
exec -a "$0" {python} "${{options[@]}}" "$@"
"""
"""`python.exe`: isolated, so that neither a script's folder nor the working directory is on sys.path, with its own name."""
EMBEDDED = """
import os, site, sys
from importlib.machinery import PathFinder


class Embedded(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name.partition(".")[0] in ("venv", "ensurepip"):
            return None
        return super().find_spec(name, path, target)


sys.meta_path[:] = [Embedded if finder is PathFinder else finder for finder in sys.meta_path]
if os.environ.pop("EMBEDDED_USER_SITE", ""):
    site.addsitedir(site.getusersitepackages())
"""
CLONED = shutil.ignore_patterns(
    ".git", ".venv*", "__pycache__", "outputs", "temp", "benchmarks", ".*_cache", "extensions", ".hypothesis"
)


@dataclass(frozen=True)
class Portable:
    """The unpacked package: `python_embeded`, `Fooocus` and `run.bat`, with the extension unpacked next to them."""

    root: Path

    @property
    def python(self) -> Path:
        return self.root / "python_embeded" / "python.exe"

    @property
    def fooocus(self) -> Path:
        return self.root / "Fooocus"

    @property
    def clone(self) -> Path:
        return self.root / "fooocus-api"

    @property
    def site_packages(self) -> Path:
        """Folder in which a Unix Python with its pyvenv.cfg next to it looks for packages."""
        return self.root / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"

    def run(
        self, *arguments: str | Path, folder: Path | None = None, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run the embedded Python with `-s`, as run.bat does."""
        return subprocess.run(
            [str(self.python), "-s", *map(str, arguments)],
            cwd=folder or self.root,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **(env or {})},
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=300,
        )


def make_portable(folder: Path, name: str = NAME) -> Portable:
    """Create the package. Its Python lacks `venv` and `ensurepip`, reads `.pth` files and has this one's packages."""
    portable = Portable(folder / name)
    portable.python.parent.mkdir(parents=True)
    python = Path(sys.base_prefix, "bin", f"python{sys.version_info[0]}.{sys.version_info[1]}")
    portable.python.write_text(WRAPPER.format(python=shlex.quote(str(python))), encoding="utf-8")
    portable.python.chmod(0o755)
    (portable.python.parent / "pyvenv.cfg").write_text(
        f"home = {python.parent}\ninclude-system-site-packages = false\n", encoding="utf-8"
    )
    portable.site_packages.mkdir(parents=True)
    (portable.site_packages / "borrowed.pth").write_text(sysconfig.get_paths()["purelib"] + "\n", encoding="utf-8")
    (portable.site_packages / "_embedded.py").write_text(EMBEDDED, encoding="utf-8")
    (portable.site_packages / "embedded.pth").write_text("import _embedded\n", encoding="utf-8")
    copy_checkout(DEMO, portable.fooocus)
    (portable.root / "run.bat").write_text(".\\python_embeded\\python.exe -s Fooocus\\launch.py\r\npause\r\n")
    shutil.copytree(ROOT, portable.clone, ignore=CLONED)
    return portable
