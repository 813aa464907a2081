"""Generator of docs/configuration.md from config.py, with a check for a stale page."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from mahaam.config import PROJECT_DIR, RULES, Settings, env_name

FOUND = re.compile(r" \(\{.*?\}\)")  # where a sentence shows the value that it found
WORDS = {str: "text", int: "integer", float: "number", bool: "true or false", Path: "folder"}
PAGE = PROJECT_DIR / "docs" / "configuration.md"
HEAD = """\
# Configuration

Settings come from the environment, then from `.env` in the project's folder, then from the
defaults here. Whatever is wrong is reported together, before anything starts, and the process
ends with exit code 2. This page is written from `config.py` by `make docs`.

| variable | type | default | unit | meaning |
|---|---|---|---|---|
"""
TAIL = """
## Rules between settings

"""
AFTER = """
## Where the embedded servers keep their things

Without `DATABASE_URL` or `REDIS_URL`, `make run` starts a server of its own for it. They are for
one machine: with `APP_ENV=production` both must be set.

| path | what |
|---|---|
| `var/postgres`, `var/redis` | the data; it outlives restarts and `make clean` |
| `var/log` | what the servers write |
| `var/servers.json` | their addresses, while the product runs, for commands in another shell |
| `var/secret_key` | the secret key, made at the first start |
| `var/run.lock` | held by the running product |
"""


def page() -> str:
    """Return the whole page as Markdown."""
    rows = [_row(name, field) for name, field in Settings.model_fields.items()]
    rules = [f"- {FOUND.sub('', rule.sentence)}\n" for rule in RULES]
    return HEAD + "".join(rows) + TAIL + "".join(rules) + AFTER


def _row(name: str, field: FieldInfo) -> str:
    extra = field.json_schema_extra
    unit = extra["unit"] if isinstance(extra, dict) else ""
    cells = [f"`{env_name(name)}`", _type_of(field), _default_of(field), unit, field.description]
    return "| " + " | ".join(str(cell) for cell in cells) + " |\n"


def _type_of(field: FieldInfo) -> str:
    kind: Any = field.annotation
    if get_origin(kind) is Literal:
        return " or ".join(f"`{choice}`" for choice in get_args(kind))
    if get_origin(kind) is tuple:
        return "list"
    return WORDS.get(kind, "text")  # what is left: text with a rule, such as an address


def _default_of(field: FieldInfo) -> str:
    default = field.default
    if isinstance(default, NoneType | tuple):
        return "–"
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    return f"`{default:g}`" if isinstance(default, float) else f"`{default}`"


def main(arguments: list[str]) -> int:
    """Write the page; with --check compare only. Return 1 when it is stale."""
    if "--check" not in arguments:
        PAGE.write_text(page(), "utf-8")
        return 0
    if PAGE.exists() and PAGE.read_text("utf-8") == page():
        return 0
    print("docs/configuration.md does not say what config.py says: run `make docs`.")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
