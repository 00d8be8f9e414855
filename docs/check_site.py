"""Check the built site without a browser: nothing is asked for elsewhere, no link is dead, every figure has words.

``python docs/check_site.py docs/_build/html`` prints what is wrong, one line each, and fails if anything is.
"""

import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

# What a browser loads by itself, by tag and attribute. A link that the reader follows may lead anywhere.
LOADED = {
    ("script", "src"),
    ("img", "src"),
    ("img", "srcset"),
    ("source", "src"),
    ("source", "srcset"),
    ("iframe", "src"),
    ("video", "src"),
    ("audio", "src"),
    ("embed", "src"),
    ("object", "data"),
    ("link", "href"),
}
NOT_FETCHED = {"next", "prev", "search", "canonical", "author", "license"}  # link rel=
ELSEWHERE = re.compile(r"(?:url\(\s*['\"]?|@import\s+['\"])((?:https?:)?//[^'\")\s]+)")
# A title that sphinx-gallery takes from a figure without one, or from nothing.
WORDLESS = re.compile(r"|plot \w+|quickstart|image|figure")


class Page(HTMLParser):
    """The anchors, links, loads and images of one page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.wordless: list[str] = []
        self.feed(text)
        self.loads += ELSEWHERE.findall(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Note one tag."""
        found = {name: value or "" for name, value in attributes}
        self.anchors |= {found[name] for name in ("id", "name") if name in found}
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        if tag == "img" and WORDLESS.fullmatch(found.get("alt", "").strip()) and "aria-hidden" not in found:
            self.wordless.append(found.get("src", ""))
        fetched = not (tag == "link" and NOT_FETCHED & set(found.get("rel", "").split()))
        for name, value in found.items():
            if (tag, name) in LOADED and fetched:
                self.loads += [one.split()[0] for one in value.split(",")] if name == "srcset" else [value]


def problems(root: Path) -> list[str]:
    """List what is wrong on the pages below ``root``."""
    files = [path for path in sorted(root.rglob("*.html")) if "_static" not in path.parts]  # where templates are
    pages = {path: Page(path.read_text(encoding="utf-8")) for path in files}
    found = []

    def dead(path: Path, target: str) -> bool:
        parts = urlsplit(target)
        if parts.scheme or parts.netloc:
            return False
        file = (path.parent / unquote(parts.path)).resolve() if parts.path else path
        if not file.is_file():
            return True
        anchor = unquote(parts.fragment)
        return bool(anchor) and file in pages and anchor not in pages[file].anchors

    for path, page in pages.items():
        name = path.relative_to(root)
        found += [f"{name}: loads {one}" for one in page.loads if urlsplit(one).netloc]
        found += [f"{name}: no file {one}" for one in page.loads if not one.startswith("data:") and dead(path, one)]
        found += [f"{name}: dead link {one}" for one in page.links if dead(path, one)]
        found += [f"{name}: no words for {one[:80]}" for one in page.wordless]
    for path in sorted(root.rglob("*.css")):
        loads = ELSEWHERE.findall(path.read_text(encoding="utf-8"))
        found += [f"{path.relative_to(root)}: loads {one}" for one in loads]
    return list(dict.fromkeys(found))


if __name__ == "__main__":
    wrong = problems(Path(sys.argv[1]).resolve())
    print("\n".join(wrong) or "no page asks for anything elsewhere, no link is dead, every figure has words")
    sys.exit(bool(wrong))
