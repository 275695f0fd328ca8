"""Copies of the demo checkout and an interpreter for them, so that tests install without touching the developer's."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fooocus_api.tests.support.host import DEMO, ROOT

INSTALL = ROOT / "install.py"
GENERATED = shutil.ignore_patterns("__pycache__", "outputs", "temp", "extensions", "config.txt", ".*_cache")

MODEL_FOLDERS = {
    "path_checkpoints": "checkpoints",
    "path_loras": "loras",
    "path_embeddings": "embeddings",
    "path_vae_approx": "vae_approx",
    "path_vae": "vae",
    "path_upscale_models": "upscale_models",
    "path_inpaint": "inpaint",
    "path_controlnet": "controlnet",
    "path_clip_vision": "clip_vision",
    "path_fooocus_expansion": "prompt_expansion/fooocus_expansion",
    "path_safety_checker": "safety_checker",
    "path_sam": "sam",
}


@dataclass(frozen=True)
class Sandbox:
    """A folder with an interpreter that sees the packages of this one and takes new ones itself."""

    folder: Path
    python: Path
    site_packages: Path

    def checkout(self, name: str = "Fooocus checkout") -> Path:
        """Return a copy of the demo host as a git repository, with a space in its path, as is common."""
        path = self.folder / name
        shutil.copytree(DEMO, path, ignore=GENERATED)
        git(path, "init", "--quiet")
        commit(path)
        return path

    def install(
        self,
        *arguments: str | Path,
        script: Path = INSTALL,
        folder: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run install.py with these arguments, by default in a folder that is not a checkout."""
        return self.run(script, *arguments, folder=folder, env=env)

    def run(
        self, *arguments: str | Path, folder: Path | None = None, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run the sandbox's interpreter."""
        command = [str(self.python), *map(str, arguments)]
        environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **(env or {})}
        return subprocess.run(
            command, cwd=folder or self.folder, env=environment, capture_output=True, text=True, timeout=300
        )

    def hook_files(self) -> set[str]:
        """Return the names of the start-up hook's files in the interpreter."""
        return {path.name for path in self.site_packages.iterdir() if "fooocus_api" in path.name}


def make_sandbox(folder: Path, base: str = sys.executable) -> Sandbox:
    """Create an interpreter in `folder/venv` with `base`. It borrows the packages of the interpreter that runs the tests."""
    venv = folder / "venv"
    subprocess.run([base, "-m", "venv", "--without-pip", str(venv)], check=True, timeout=120)
    python = venv / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    command = [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    site_packages = Path(subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip())
    (site_packages / "borrowed.pth").write_text(sysconfig.get_paths()["purelib"] + "\n", encoding="utf-8")
    return Sandbox(folder, python, site_packages)


def copy_checkout(home: Path, folder: Path) -> Path:
    """Copy a checkout without its generated files. The demo's models are copied, a real checkout's are borrowed."""

    def ignored(path: str, names: list[str]) -> set[str]:
        borrowed = {".git", "models"} if Path(path) == home and home != DEMO else set()
        return GENERATED(path, names) | borrowed

    shutil.copytree(home, folder, ignore=ignored)
    if home != DEMO:
        borrow_models(home, folder)
    return folder


def borrow_models(home: Path, checkout: Path) -> None:
    """Write a config.txt, which git ignores, that points to the models of `home`, and make the folders that it can't point to."""
    for path in (home / "models").iterdir():
        if path.is_dir() and path.name not in MODEL_FOLDERS.values():
            (checkout / "models" / path.name).mkdir(parents=True, exist_ok=True)
    config = json.loads((home / "config.txt").read_text("utf-8"))
    for key, folder in MODEL_FOLDERS.items():
        path = home / "models" / folder
        if key not in config and path.is_dir():
            config[key] = [str(path)] if key in ("path_checkpoints", "path_loras") else str(path)
    config.pop("path_outputs", None)
    (checkout / "config.txt").write_text(json.dumps(config), "utf-8")


def assert_refused(done: subprocess.CompletedProcess[str], *said: str) -> None:
    """Check that a command ended with status 1 and one line on stderr that contains all of `said`."""
    assert done.returncode == 1, done.stdout + done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert done.stderr.startswith("error: ")
    for words in said:
        assert words in done.stderr


def git(folder: Path, *arguments: str) -> str:
    """Run git as a named author and return its output."""
    identity = ("-c", "user.name=Tester", "-c", "user.email=tester@example.org")
    command = ("git", *identity, *arguments)
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout


def commit(folder: Path) -> None:
    """Commit all changes."""
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "as it is")


def snapshot(*folders: Path) -> dict[str, tuple[bytes, int]]:
    """Return the content and modification time of every file, except compiled ones and git's own."""
    return {
        str(path): (path.read_bytes(), path.stat().st_mtime_ns)
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file() and not {"__pycache__", ".git"} & set(path.parts)
    }
