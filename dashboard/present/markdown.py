"""Markdown that users write (runbooks) as HTML, in which their text is never a tag or a script."""

from __future__ import annotations

from markdown_it import MarkdownIt
from markupsafe import Markup

# HTML is shown as text, and links with other schemes than these are not links. Images are off: every
# reader's browser would fetch them from whatever address the author wrote.
_reader = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable("table").disable("image")
SCHEMES = ("https://", "http://", "mailto:", "/")


def _is_link(url: str) -> bool:
    return url.lower().startswith(SCHEMES) and not url.startswith("//")


_reader.validateLink = _is_link  # type: ignore[method-assign]


def markdown(text: str | None) -> Markup:
    """Return `text` as HTML for a page."""
    return Markup(_reader.render(text or ""))  # noqa: S704  # the reader escapes
