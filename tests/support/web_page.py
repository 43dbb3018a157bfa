"""What is found in a page of HTML, and in a drawing within it, as a browser would find it."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from html.parser import HTMLParser


class Page(HTMLParser):
    """What a browser would find: tags with attributes, text by tag, identifiers."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.cells: list[str] = []
        self._open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        if data.strip() and self._open and self._open[-1] not in ("style", "html"):
            self.cells.append(data.strip())


def texts(svg: str) -> list[str]:
    """Return the text elements of a drawn figure; fails where it is not sound XML."""
    root = ET.fromstring(svg.replace("<svg", '<svg xmlns:xlink="x"', 1))
    return ["".join(element.itertext()).strip() for element in root.iter("text")]
