"""Builds the documentation as a static site that also opens from the disk: `python docs/build.py [FOLDER]`.

English pages are at the top of FOLDER (`site` by default), Chinese pages below `zh`. Warnings, such as a link without a target,
are errors.
"""

from __future__ import annotations

import shutil
import subprocess  # nosec B404  # runs Sphinx alone, with fixed arguments
import sys
import tempfile
from pathlib import Path

DOCS = Path(__file__).resolve().parent
LANGUAGES = {"english": Path(), "chinese": Path("zh")}


def build(site: Path) -> None:
    """Build both languages into `site`.

    Raises:
        subprocess.CalledProcessError: a page has an error; Sphinx has printed it.
    """
    for language, folder in LANGUAGES.items():
        target = site / folder
        with tempfile.TemporaryDirectory(prefix="fooocus-api-docs-") as doctrees:
            options = ("-q", "-E", "-W", "--keep-going", "-b", "html", "-t", language, "-d", doctrees)
            subprocess.run([sys.executable, "-m", "sphinx", *options, str(DOCS), str(target)], check=True)  # nosec B603  # see its import
        first = "README_zh.html" if language == "chinese" else "README.html"
        shutil.copyfile(target / first, target / "index.html")


if __name__ == "__main__":
    build(Path(sys.argv[1]) if len(sys.argv) > 1 else DOCS.parent / "site")
