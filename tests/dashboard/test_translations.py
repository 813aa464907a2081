"""Every text is there in every language, and what is compiled is what is written."""

from __future__ import annotations

from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po

from mahaam.config import PROJECT_DIR

FOLDER = PROJECT_DIR / "dashboard" / "translations"
KEYWORDS = {
    "_": None, "gettext": None, "_l": None, "lazy_gettext": None, "ngettext": (1, 2), "Translatable": None,
}  # fmt: skip


def texts() -> set[str | tuple[str, ...]]:
    """Every text in code and templates."""
    found = set()
    for folder, ending, method in (
        ("dashboard", "**.py", "python"),
        ("mahaam", "**.py", "python"),
        ("templates", "**.html", "jinja2"),
    ):
        for row in extract_from_dir(PROJECT_DIR / folder, [(ending, method)], keywords=KEYWORDS):
            found.add(row[2])
    return found


def catalog(language: str, read: object, ending: str) -> Catalog:
    path = FOLDER / language / "LC_MESSAGES" / f"messages.{ending}"
    with Path(path).open("rb") as file:
        return read(file)


@pytest.mark.parametrize("language", ["ar", "fa"])
def test_every_text_is_translated_and_compiled(language: str) -> None:
    written = catalog(language, read_po, "po")
    compiled = catalog(language, read_mo, "mo")
    for text in texts():
        message = written.get(text if isinstance(text, str) else text[0])
        assert message, text
        assert message.string, text
        assert not message.fuzzy, text
        assert not list(message.check(written)), text
        assert list(compiled.get(message.id).string) == list(message.string), text
