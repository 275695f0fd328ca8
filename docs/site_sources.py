"""Sources of the documentation's site: the pages of one language, with links for the site, and the navigation.

Pages have the same names in both languages, so that each leads to itself in the other: `docs/keys.md` becomes `keys.html`, and
`docs/keys_zh.md` becomes `zh/keys.html`. The navigation is the headings and links of README.md.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
REPOSITORY = re.findall(r"git clone (\S+)", (ROOT / "README.md").read_text("utf-8"))[0]
LINK = re.compile(r"\[([^\]]+)\]\((?!\w+://|#)([^)\s#]+)(#[^)\s]*)?\)")
SECTION = re.compile(r"^## (.+)\n\n((?:- .+\n)+)", re.MULTILINE)
OF_THE_ROOT = {"SECURITY.md": "security"}
"""Page of the repository's root → its name in the site, in English only."""
SHOWN_FILES = ("images", "grafana")
"""Folders of files that pages show or offer."""


def one_language_only() -> list[str]:
    """Return the names of the pages that are in English only."""
    english = (page.stem for page in DOCS.glob("*.md") if not page.stem.endswith("_zh"))
    return [*(name for name in sorted(english) if not (DOCS / f"{name}_zh.md").is_file()), *OF_THE_ROOT.values()]


def write_sources(folder: Path, chinese: bool) -> None:
    """Write the Markdown of a language into a folder, with the files that it shows."""
    for name in SHOWN_FILES:
        shutil.copytree(DOCS / name, folder / name)
    pages = [page for page in sorted(DOCS.glob("*.md")) if page.stem.endswith("_zh") is chinese]
    if not chinese:
        pages += [ROOT / name for name in OF_THE_ROOT]
    for page in pages:
        text = page.read_text("utf-8")
        adapted = LINK.sub(lambda match: _site_link(match, chinese), text)
        if page.parent == DOCS and page.stem.startswith("README"):
            adapted += _navigation(text, chinese)
        (folder / f"{_site_name(page.name)}.md").write_text(adapted, "utf-8", newline="\n")


def _navigation(index: str, chinese: bool) -> str:
    """Return a tree of contents for each section of the index with the pages of this language that it links."""
    parts = []
    for title, links in SECTION.findall(index):
        targets = [target for _, target, _ in LINK.findall(links)]
        names = [one.removeprefix("../") for one in targets if "/" not in one or one.removeprefix("../") in OF_THE_ROOT]
        pages = [_site_name(name) for name in names if _is_page(name) and _is_chinese(name) is chinese]
        parts.append(f"\n```{{toctree}}\n:hidden:\n:caption: {title}\n\n" + "\n".join(pages) + "\n```\n")
    return "".join(parts)


def _is_page(name: str) -> bool:
    return (name.endswith(".md") and "/" not in name and (DOCS / name).is_file()) or name in OF_THE_ROOT


def _is_chinese(name: str) -> bool:
    return name.endswith("_zh.md")


def _site_name(name: str) -> str:
    """Return the name in the site, the same in both languages: of `keys_zh.md` `keys`."""
    stem = OF_THE_ROOT.get(name, name.removesuffix(".md").removesuffix("_zh"))
    return "index" if stem == "README" else stem


def _site_link(match: re.Match[str], chinese: bool) -> str:
    """Return the link of a page as the site has it: to a page of this language, of the other one, or to the repository."""
    text, target, anchor = match[1], match[2], match[3] or ""
    name = target.removeprefix("../").removeprefix("docs/")
    if target.startswith("../") and name not in OF_THE_ROOT:
        return f"[{text}]({REPOSITORY}/blob/main/{target.removeprefix('../')}{anchor})"
    if not _is_page(name):
        return match[0] if (DOCS / name).is_file() else f"[{text}]({REPOSITORY}/blob/main/{name}{anchor})"
    if _is_chinese(name) is chinese:
        return f"[{text}]({_site_name(name)}.md{anchor})"
    folder = "../" if chinese else "zh/"
    return f'<a href="{folder}{_site_name(name)}.html{anchor}">{text}</a>'
