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
CAPTION = 'class="caption" role="heading"'
"""Marks of a heading in the navigation, to which the theme gives no level."""
CHINESE = {
    "Auto light/dark, in dark mode": "自动主题，当前为深色",
    "Auto light/dark, in light mode": "自动主题，当前为浅色",
    "Back to top": "回到顶部",
    "Contents": "目录",
    "Dark mode": "深色",
    "Expand": "展开",
    "Light mode": "浅色",
    "Link to this heading": "链接到此标题",
    "Menu": "菜单",
    "Next": "下一页",
    "Previous": "上一页",
    "Skip to content": "跳到内容",
    "Toggle Light / Dark / Auto color theme": "切换浅色、深色或自动主题",
    "Toggle site navigation sidebar": "打开或关闭导航",
    "Toggle table of contents sidebar": "打开或关闭目录",
}
"""Words of the theme, which has no Chinese ones for them."""
WORD = re.compile(rf"""(>|(?:aria-label|title)=")({"|".join(map(re.escape, CHINESE))})(?=<|")""")
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
        site[f"zh/{name}"] = _in_chinese(_with_shared(content.decode(), shared)) if name.endswith(".html") else content
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
    html = html.replace(CAPTION, f'{CAPTION} aria-level="2"')
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


def _in_chinese(html: str) -> bytes:
    """Return a Chinese page with the theme's own words in Chinese."""
    return WORD.sub(lambda match: match[1] + CHINESE[match[2]], html).encode()


def _licenses() -> str:
    """Return the licences of the packages whose files are in the site."""
    texts = []
    for package, title in LICENSES.items():
        paths = [path for path in files_of(package) or () if re.search(r"dist-info/.*LICENSE", str(path))]
        bodies = [Path(str(path.locate())).read_text("utf-8").strip() for path in sorted(paths)]
        texts.append(f"{title}\n\n" + "\n\n".join(bodies))
    return "\n\n---\n\n".join(texts) + "\n"
