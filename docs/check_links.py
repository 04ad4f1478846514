"""Check the built pages: links and anchors within the site lead somewhere, pictures have a text.

Usage: ``python docs/check_links.py docs/_build/html``. Links to other sites are not followed.
"""

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """What one page links to, and what it can be linked at."""

    def __init__(self, path):
        super().__init__()
        self.anchors, self.links, self.mute, self.divs = {"", "top"}, [], [], []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.anchors.update(filter(None, (values.get("id"), values.get("name"))))
        if tag == "div":
            self.divs.append(values.get("class") or "")
        link = values.get("href") or values.get("src")
        if link and tag in ("a", "img", "link", "script"):
            self.links.append(link)
        # a thumbnail of the gallery stands beside its title, and needs no other text
        if tag == "img" and not values.get("alt") and "sphx-glr-thumbcontainer" not in self.divs:
            self.mute.append(values.get("src"))

    def handle_endtag(self, tag):
        if tag == "div" and self.divs:
            self.divs.pop()


def faults(root):
    pages = {path.resolve(): Page(path) for path in sorted(root.rglob("*.html"))}
    for path, page in pages.items():
        for source in page.mute:
            yield f"{path.relative_to(root)}: the picture {source} has no alternative text"
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            target = target / "index.html" if target.is_dir() else target
            if not target.is_file():
                yield f"{path.relative_to(root)}: {link} is not there"
            elif target in pages and unquote(parts.fragment) not in pages[target].anchors:
                yield f"{path.relative_to(root)}: {link} has no such anchor"


if __name__ == "__main__":
    folder = Path(sys.argv[1]).resolve()
    found = sorted(set(faults(folder)))
    print(*found, sep="\n", end="\n" * bool(found))
    print(f"{len(list(folder.rglob('*.html')))} pages, {len(found)} faults within the site")
    sys.exit(bool(found))
