"""What the product's role may do with tables that another role owns."""

from __future__ import annotations

from psycopg2.extensions import parse_dsn, quote_ident
from sqlalchemy import Connection

AUDIT = "audit_event"
FOR_TABLES = "SELECT, INSERT, UPDATE, DELETE, TRUNCATE"
FOR_AUDIT = "SELECT, INSERT"
MAINTAIN_SINCE = 170000  # the right to vacuum and analyze what one does not own

# What belongs to another role, as the audit does, is that role's to give.
OWN = """
SELECT relname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE nspname = current_schema() AND relkind = ANY(%s) AND relname <> %s
  AND relowner = (SELECT oid FROM pg_roles WHERE rolname = current_user)
"""
TABLES, SEQUENCES = ["r", "p"], ["S"]


def grant(connection: Connection, database_url: str) -> None:
    """Let the role of `database_url` use every table of ours; nothing to do when it is the owner."""
    role = product_role(connection, database_url)
    if role is None:
        return
    rights = FOR_TABLES
    if _value(connection, "SHOW server_version_num") >= MAINTAIN_SINCE:
        rights += ", MAINTAIN"
    schema = _quoted(
        connection, str(connection.exec_driver_sql("SELECT current_schema()").scalar())
    )
    connection.exec_driver_sql(f"GRANT USAGE ON SCHEMA {schema} TO {role}")
    for (table,) in connection.exec_driver_sql(OWN, (TABLES, AUDIT)).all():
        connection.exec_driver_sql(f"GRANT {rights} ON {_quoted(connection, table)} TO {role}")
    for (name,) in connection.exec_driver_sql(OWN, (SEQUENCES, AUDIT)).all():
        sequence = _quoted(connection, name)
        connection.exec_driver_sql(f"GRANT USAGE, SELECT ON SEQUENCE {sequence} TO {role}")


def product_role(connection: Connection, database_url: str) -> str | None:
    """The quoted role that web and consumer have; None when it is the one that migrates."""
    name = parse_dsn(database_url).get("user")
    if not name or name == connection.exec_driver_sql("SELECT current_user").scalar():
        return None
    return _quoted(connection, name)


def _value(connection: Connection, question: str) -> int:
    return int(connection.exec_driver_sql(question).scalar() or 0)


def _quoted(connection: Connection, name: str) -> str:
    return quote_ident(name, connection.connection.driver_connection)  # type: ignore[arg-type]
