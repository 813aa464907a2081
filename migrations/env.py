"""Runs the migrations as the owner of the tables; every table hangs on the engine's metadata."""

from __future__ import annotations

import importlib
import importlib.util

from alembic import context
from sqlalchemy import create_engine, pool

from config import get_settings
from migrations.rights import grant
from tasks.engine.models import Base

for name in ("dashboard.models", "tasks.alerts.models"):
    if importlib.util.find_spec(name):
        importlib.import_module(name)

LOCK = 7_406_120_451  # any constant: two migrations at once wait for each other


def run() -> None:
    """Upgrade in one transaction, alone; then let the product's role use what is there."""
    settings = get_settings()
    engine = create_engine(
        settings.migration_database_url.replace("postgresql://", "postgresql+psycopg2://", 1),
        poolclass=pool.NullPool,
    )
    with engine.connect() as connection:
        connection.exec_driver_sql(f"SELECT pg_advisory_lock({LOCK})")
        connection.commit()
        context.configure(connection=connection, target_metadata=Base.metadata)
        with context.begin_transaction():
            context.run_migrations()
            grant(connection, settings.database_url)


run()
