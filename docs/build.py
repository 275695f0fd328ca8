"""Builds the documentation as a static site that also opens from the disk: `python docs/build.py [FOLDER]`.

English pages are at the top of FOLDER (`guide/pages` by default, which the extension serves at `/guide`), Chinese pages below
`zh`. Warnings, such as a link without a target, are errors. The same sources make the same bytes on every machine.
"""

from __future__ import annotations

import os
import shutil
import subprocess  # nosec B404  # runs Sphinx alone, with fixed arguments
import sys
import tempfile
from pathlib import Path

DOCS = Path(__file__).resolve().parent
sys.path.insert(0, str(DOCS))
from site_files import collect  # noqa: E402  # an embedded Python has no folder of the script there
from site_sources import write_sources  # noqa: E402

OPTIONS = ("-q", "-E", "-W", "--keep-going", "-b", "html", "-c", str(DOCS))


def build(site: Path) -> None:
    """Build both languages, side by side, and replace the content of `site` by them.

    Raises:
        subprocess.CalledProcessError: a page has an error; Sphinx has printed it.
    """
    with tempfile.TemporaryDirectory(prefix="fooocus-api-docs-") as folder:
        work = Path(folder)
        running = [_start(work / language, language) for language in ("english", "chinese")]
        for process in running:
            if process.wait() != 0:
                for other in running:
                    other.kill()
                    other.wait()
                raise subprocess.CalledProcessError(process.returncode, "sphinx")
        files = collect(work / "english" / "site", work / "chinese" / "site")
    if site.exists():
        shutil.rmtree(site)
    for name, content in files.items():
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_bytes(content)


def _start(work: Path, language: str) -> subprocess.Popen[bytes]:
    write_sources(work / "sources", chinese=language == "chinese")
    folders = ("-t", language, "-d", str(work / "doctrees"), str(work / "sources"), str(work / "site"))
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    return subprocess.Popen([sys.executable, "-m", "sphinx", *OPTIONS, *folders], env=environment)  # nosec B603  # see its import


if __name__ == "__main__":
    build(Path(sys.argv[1]) if len(sys.argv) > 1 else DOCS.parent / "guide" / "pages")
