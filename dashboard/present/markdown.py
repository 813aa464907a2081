"""Markdown that people write (runbooks), as HTML in which nothing of theirs is a tag or a script."""

from __future__ import annotations

from markdown_it import MarkdownIt
from markupsafe import Markup

# HTML is shown as text; links with other schemes than these are no links. No images: they would be
# fetched from wherever somebody wrote, by whoever looks.
_reader = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable("table").disable("image")
SCHEMES = ("https://", "http://", "mailto:", "/")


def _is_link(url: str) -> bool:
    return url.lower().startswith(SCHEMES) and not url.startswith("//")


_reader.validateLink = _is_link  # type: ignore[method-assign]


def markdown(text: str | None) -> Markup:
    """`text` for a page."""
    return Markup(_reader.render(text or ""))  # noqa: S704  # the reader escapes
