"""The files of the finished site: what Sphinx built, without what no page needs, and without scripts and styles inside of pages.

The guide's Content-Security-Policy allows scripts and styles from files alone. Both languages share their files.
"""

from __future__ import annotations

import re
from importlib.metadata import files as files_of
from pathlib import Path

ADDRESS = re.compile(r'((?:src|href)=")([^"#?:]+)(?:\?v=\w+)?(")')
INLINE_SCRIPT = re.compile(r"<script>\s*document\.body\.dataset\.theme = .*?</script>", re.DOTALL)
INLINE_STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)
SOURCE_MAP = re.compile(r"\s*(?:/\*|//)# sourceMappingURL=[^\n]*")
TRANSLATIONS = re.compile(r"^Documentation\.addTranslations\((\{.*\})\);$", re.DOTALL | re.MULTILINE)
FORBIDDEN = re.compile(r"<script>|<style|\sstyle=|\son\w+=")
TEXTS = {".html", ".css", ".js", ".json", ".yml"}
COLORS = "_static/colors.css"
LICENSES = {"furo": "Furo", "sphinx": "Sphinx"}
"""Package with files in the site → its name."""


def collect(english: Path, chinese: Path) -> dict[str, bytes]:
    """Return path → content of the site's files, from the folders that Sphinx built."""
    site = _language(english)
    own = _language(chinese)
    shared = {name for name, content in own.items() if site.get(name) == content}
    for name, content in own.items():
        if name in shared:
            continue
        site[f"zh/{name}"] = _with_shared(content.decode(), shared).encode() if name.endswith(".html") else content
    site["_static/licenses.txt"] = _licenses().encode()
    return dict(sorted(site.items()))


def _language(folder: Path) -> dict[str, bytes]:
    """Return path → content of the pages of a language and of the files that these name."""
    pages, colors = {}, ""
    for path in sorted(folder.glob("*.html")):
        pages[path.name], colors = _page(path.read_text("utf-8"), path.name)
    found = {name: text.encode() for name, text in pages.items()}
    for name in sorted({match[2] for text in pages.values() for match in ADDRESS.finditer(text)}):
        if (folder / name).is_file() and name not in found:
            found[name] = _file(folder / name)
    found[COLORS] = colors.encode()
    return found


def _page(html: str, name: str) -> tuple[str, str]:
    """Return a page with files in place of the theme's script and style, and the content of that style.

    Raises:
        ValueError: the page has another script or style in it, which the browser would refuse.
    """
    (colors,) = INLINE_STYLE.findall(html)
    html = INLINE_STYLE.sub(f'<link rel="stylesheet" href="{COLORS}">', html)
    html = INLINE_SCRIPT.sub('<script src="_static/theme.js"></script>', html)
    html = html.replace(' style="display: none;"', ' display="none"').replace(' style="opacity: 50%"', ' opacity="50%"')
    html = ADDRESS.sub(r"\1\2\3", html)
    outside_of_code = re.sub(r"<pre>.*?</pre>", "", html, flags=re.DOTALL)
    if found := FORBIDDEN.search(outside_of_code):
        raise ValueError(f"{name} has {found[0]!r} in it; move it into a file")
    return html, "\n".join(line.strip() for line in colors.splitlines() if line.strip()) + "\n"


def _file(path: Path) -> bytes:
    content = path.read_bytes()
    if path.suffix not in TEXTS:
        return content
    text = SOURCE_MAP.sub("", content.decode()).replace("\r\n", "\n")
    # Sphinx's own function makes code of the plural's rule, which the policy refuses. Only the words are needed.
    return TRANSLATIONS.sub(r"Object.assign(Documentation.TRANSLATIONS, \1.messages);", text).encode()


def _with_shared(html: str, shared: set[str]) -> str:
    """Return a Chinese page that uses the files of the English ones where both are the same."""
    return ADDRESS.sub(lambda match: f"{match[1]}{'../' if match[2] in shared else ''}{match[2]}{match[3]}", html)


def _licenses() -> str:
    """Return the licences of the packages whose files are in the site."""
    texts = []
    for package, title in LICENSES.items():
        paths = [path for path in files_of(package) or () if re.search(r"dist-info/.*LICENSE", str(path))]
        bodies = [Path(str(path.locate())).read_text("utf-8").strip() for path in sorted(paths)]
        texts.append(f"{title}\n\n" + "\n\n".join(bodies))
    return "\n\n---\n\n".join(texts) + "\n"
