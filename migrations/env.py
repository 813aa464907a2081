"""Runs the migrations as the owner of the tables; every table hangs on the engine's metadata."""

from __future__ import annotations

import importlib
import importlib.util
from functools import partial
from typing import Any

import psycopg2
from alembic import context
from alembic.runtime.migration import MigrationInfo
from alembic.util import CommandError
from sqlalchemy import create_engine, pool

from mahaam.addresses.postgres import DRIVER
from mahaam.config import get_settings
from mahaam.models import Base
from migrations import schema
from migrations.rights import grant

for name in ("dashboard.models", "mahaam.alerts.models"):
    if importlib.util.find_spec(name):
        importlib.import_module(name)

LOCK = 7_406_120_451  # any constant: two migrations at once wait for each other
ONLY_FORWARD = (
    "Migrations only go forward: going back would delete what the newer tables hold. "
    "To return to an earlier version, restore the backup that was made before the upgrade."
)


def run() -> None:
    """Carry out what Alembic was asked for in one transaction, alone."""
    settings = get_settings()
    engine = create_engine(
        DRIVER,
        creator=partial(psycopg2.connect, settings.migration_database_url),
        poolclass=pool.NullPool,
    )
    with engine.connect() as connection:
        connection.exec_driver_sql(f"SELECT pg_advisory_lock({LOCK})")
        former = schema.former(connection)
        schema.look_only_here(connection)
        connection.commit()
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            on_version_apply=_refuse_to_go_back,
        )
        command = context.get_context().opts["fn"].__name__
        if command == "downgrade":
            raise CommandError(ONLY_FORWARD)
        with context.begin_transaction():
            if command in ("upgrade", "do_stamp"):
                schema.make(connection, former)
            context.run_migrations()
            grant(connection, settings.database_url)


def _refuse_to_go_back(*, step: MigrationInfo, **_: Any) -> None:
    """Refuse to stamp an earlier revision."""
    if not step.is_upgrade:
        raise CommandError(ONLY_FORWARD)


run()
