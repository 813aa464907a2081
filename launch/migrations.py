"""Brings the tables up to date, as `flask db upgrade` does, without loading the web application."""

from __future__ import annotations

from alembic.command import upgrade
from alembic.config import Config

from config import PROJECT_DIR, settings_or_exit


def main() -> None:
    """Run every migration that DATABASE_URL has not seen yet."""
    settings_or_exit()
    configuration = Config()
    configuration.set_main_option("script_location", str(PROJECT_DIR / "migrations"))
    upgrade(configuration, "head")


if __name__ == "__main__":
    main()
