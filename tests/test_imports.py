"""The contracts on imports cover every package: what import-linter cannot see, and what it is told."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from config import PROJECT_DIR

OURS = {"config", "mahaam", "launch", "tasks", "dashboard", "wsgi", "huey_consumer"}
NOT_THE_PRODUCT = {"bench", "migrations", "tests", "tools"}
HUEYS_OWN = {"mahaam.alerts", "mahaam.api", "mahaam.consumer", "mahaam.huey_adapter"}


@pytest.mark.parametrize(
    ("module", "allowed"),
    [
        ("config", {"mahaam"}),
        ("wsgi", {"config", "dashboard", "mahaam"}),
        ("huey_consumer", {"config", "dashboard", "mahaam"}),
    ],
)
def test_a_module_at_the_top_imports_only_what_lies_below_it(
    module: str, allowed: set[str]
) -> None:
    assert imported_by(module) & OURS <= allowed


def imported_by(module: str) -> set[str]:
    """First parts of the names of everything that a module imports, at any depth of its code."""
    tree = ast.parse((PROJECT_DIR / f"{module}.py").read_text("utf-8"))
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return {name.split(".")[0] for name in names}


def configuration() -> dict[str, Any]:
    """What `pyproject.toml` tells import-linter."""
    text = (PROJECT_DIR / "pyproject.toml").read_text("utf-8")
    linter: dict[str, Any] = tomllib.loads(text)["tool"]["importlinter"]
    return linter


def contract(name: str) -> dict[str, Any]:
    """The contract of that name."""
    return next(one for one in configuration()["contracts"] if one["name"] == name)


def parts_of(package: str) -> set[str]:
    """The files and folders with code that lie directly in a package, as modules."""
    folder = PROJECT_DIR / package.replace(".", "/")
    files = {path.stem for path in folder.glob("*.py") if path.stem != "__init__"}
    folders = {path.parent.name for path in folder.glob("*/__init__.py")}
    return {f"{package}.{name}" for name in files | folders}


def test_every_package_is_read() -> None:
    here = {path.parent.name for path in PROJECT_DIR.glob("*/__init__.py")}
    assert here - NOT_THE_PRODUCT == set(configuration()["root_packages"])


def test_every_folder_with_code_is_a_package() -> None:
    for root in configuration()["root_packages"]:
        folders = {path.parent for path in (PROJECT_DIR / root).rglob("*.py")}
        assert [folder for folder in folders if not (folder / "__init__.py").exists()] == []


def test_all_of_the_engine_but_what_is_about_huey_is_kept_from_it() -> None:
    kept = set(contract("Nothing else comes to Huey, by no detour either")["source_modules"])
    assert parts_of("mahaam") - HUEYS_OWN == {name for name in kept if name.startswith("mahaam.")}


def test_all_rule_types_are_independent() -> None:
    names = set(contract("Rule types know nothing of each other")["modules"])
    base = {"mahaam.alerts.rule_types.rule_type"}
    assert parts_of("mahaam.alerts.rule_types") - base == names


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The product's code, to be changed."""
    for root in configuration()["root_packages"]:
        shutil.copytree(
            PROJECT_DIR / root,
            tmp_path / root,
            ignore=lambda folder, names: [
                name for name in names if Path(folder, name).is_file() and not name.endswith(".py")
            ],
        )
    shutil.copy(PROJECT_DIR / "pyproject.toml", tmp_path)
    return tmp_path


def checked(copy: Path) -> subprocess.CompletedProcess[str]:
    """What import-linter says of a copy, started as `make check` does."""
    command = "from importlinter.cli import lint_imports_command as check; check()"
    return subprocess.run(
        [sys.executable, "-c", command, "--no-cache"],
        cwd=copy,
        env={"PYTHONPATH": str(copy), "PATH": "/usr/bin:/bin", "COLUMNS": "200"},
        capture_output=True,
        text=True,
    )


def test_the_code_as_it_is_keeps_all_contracts(copy: Path) -> None:
    done = checked(copy)
    assert done.returncode == 0, done.stdout


# What is added to the copy, and what import-linter is to say of it.
WITHOUT_A_PLACE = {
    "mahaam/newcomer/__init__.py": "mahaam.newcomer",
    "mahaam/alerts/newcomer.py": "mahaam.alerts.newcomer",
    "mahaam/consumer/newcomer/__init__.py": "mahaam.consumer.newcomer",
    "mahaam/huey_adapter/newcomer.py": "mahaam.huey_adapter.newcomer",
    "dashboard/newcomer/__init__.py": "dashboard.newcomer",
    "launch/newcomer.py": "launch.newcomer",
}
UPWARDS = {
    "mahaam/store/newcomer.py": ("from mahaam import task", "mahaam.store.newcomer -> mahaam"),
    "mahaam/jobs/newcomer.py": ("import huey", "mahaam.jobs.newcomer -> huey"),
    "mahaam/jobs/other.py": ("import tasks.demo", "mahaam is not allowed to import tasks"),
    "mahaam/run/newcomer.py": ("import flask", "mahaam is not allowed to import flask"),
    "dashboard/web/newcomer.py": ("import launch", "dashboard is not allowed to import launch"),
    "tasks/newcomer.py": ("import dashboard", "tasks is not allowed to import dashboard"),
    "mahaam/core/newcomer.py": (
        "def later(): from mahaam.store import jobs",
        "mahaam.core is not allowed to import mahaam.store",
    ),
    "mahaam/alerts/channels/slack.py": (
        "from mahaam.alerts.channels import mail",
        "mahaam.alerts.channels.slack is not allowed to import mahaam.alerts.channels.mail",
    ),
}


def test_a_file_or_folder_without_a_place_fails_the_check(copy: Path) -> None:
    for path in WITHOUT_A_PLACE:
        (copy / path).parent.mkdir(exist_ok=True)
        (copy / path).write_text("")
    done = checked(copy)
    assert done.returncode != 0
    assert [said for said in WITHOUT_A_PLACE.values() if said not in done.stdout] == []


def test_an_import_that_does_not_run_downwards_fails_the_check(copy: Path) -> None:
    for path, (line, _) in UPWARDS.items():
        (copy / path).write_text(line)
    done = checked(copy)
    assert done.returncode != 0
    assert [said for _, said in UPWARDS.values() if said not in done.stdout] == []


VALUES_WITHOUT_HUEY = """
import sys
import mahaam.verbs, mahaam.overview.overview
from mahaam.core.payload import dump, load
from mahaam.jobs.chord import MemberError, MemberSkipped
brought = [1, MemberError({"error": "boom"}), MemberSkipped()]
assert load(dump(brought, what="The value")) == brought
assert "huey" not in sys.modules
"""


def test_rows_of_chords_are_read_and_written_without_huey() -> None:
    done = subprocess.run(
        [sys.executable, "-c", VALUES_WITHOUT_HUEY], cwd=PROJECT_DIR, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


CONSUMER_WITHOUT_FLASK = """
import sys
import huey_consumer
from mahaam.alerts.pages import LinkedPage, address_of
from mahaam.enqueuing import catalog
catalog.load()
assert address_of(LinkedPage.JOB, 7) == "/admin/job/7/"
console = {name for name in sys.modules if name.split(".")[0] == "dashboard"}
assert console == {"dashboard", "dashboard.addresses"}, console
assert not {"flask", "flask_admin", "jinja2", "werkzeug"} & set(sys.modules)
"""


def test_a_consumer_knows_the_addresses_of_pages_without_flask() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CONSUMER_WITHOUT_FLASK],
        cwd=PROJECT_DIR,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def test_engine_and_tasks_know_no_address_of_a_page() -> None:
    files = [path for root in ("mahaam", "tasks") for path in (PROJECT_DIR / root).rglob("*.py")]
    assert len(files) > 300
    assert [path for path in files if "/admin" in path.read_text("utf-8")] == []


def test_with_huey_they_are_its_own_values() -> None:
    from huey.utils import SKIPPED, Error

    from mahaam.core.payload import dump, load
    from mahaam.huey_adapter.api import huey
    from mahaam.jobs.chord import MemberError, MemberSkipped

    assert huey is not None
    brought = [MemberError({"error": "boom"}), MemberSkipped()]
    assert load(dump(brought, what="The value")) == [Error({"error": "boom"}), SKIPPED]


def test_every_file_that_the_architecture_names_is_there() -> None:
    text = (PROJECT_DIR / "docs/architecture.md").read_text("utf-8")
    named = set(re.findall(r"`((?:[\w-]+/)*[\w-]+\.py)`", text))
    assert len(named) > 50
    slots = (PROJECT_DIR, PROJECT_DIR / "mahaam")
    assert [name for name in sorted(named) if not any((at / name).is_file() for at in slots)] == []


def test_the_table_of_layers_names_every_folder_of_the_engine() -> None:
    text = (PROJECT_DIR / "docs/architecture.md").read_text("utf-8")
    section = text.split("## Layers")[1].split("\n## ")[0]
    folders = {path.parent.name for path in (PROJECT_DIR / "mahaam").glob("*/__init__.py")}
    assert folders - set(re.findall(r"`(\w+)/`", section)) == set()


def test_a_file_name_stands_in_two_folders_at_most() -> None:
    usual = {"__init__.py", "__main__.py", "store.py", "queries.py", "verbs.py"}
    folders: dict[str, list[str]] = {}
    for root in configuration()["root_packages"]:
        for path in (PROJECT_DIR / root).rglob("*.py"):
            folders.setdefault(path.name, []).append(str(path.parent.relative_to(PROJECT_DIR)))
    crowded = {name: at for name, at in folders.items() if len(at) > 2}
    assert {name: at for name, at in crowded.items() if name not in usual} == {}
