"""The schema that holds our tables, and the way of earlier releases' tables into it.

Migrations name tables without a schema: while they run, nothing but ours is looked at, so that none
of them can touch an application's table.
"""

from __future__ import annotations

from alembic.util import CommandError
from psycopg2.errors import InsufficientPrivilege
from sqlalchemy import Connection
from sqlalchemy.exc import ProgrammingError

from mahaam.addresses.postgres import SCHEMA

# Which revision made what while there was no schema of ours. Later ones are made where they belong,
# and a database that has not come so far may hold an application's table of that name.
MADE_BY = {
    "0001": "job job_minute queue worker attempt dead_letter job_is_sound()",
    "0002": "role user sent_form",
    "0003": "chord chord_member kept_counter kept_value periodic_fire task_lock task_pause job_log",
    "0004": "operation operation_result",
    "0005": "saved_view error_grams() error_probes()",
    "0006": "job_spread queue_age job_period deploy",
    "0007": "audit_event user_session audit_event_stays()",
    "0008": "setting pruning pruned",
    "0009": "last_call",
    "0010": "task_definition schedule schedule_fire",
    "0011": "dead_letter_note failure error_group error_hour task_runbook redrive",
    "0012": "alert_rule alert maintenance alert_pass queue_depth incident channel",
    "0013": "alert_delivery",
}

# A table called alembic_version, or job, may as well be an application's: the function is ours.
FORMER = """
SELECT nspname FROM unnest(current_schemas(false)) WITH ORDINALITY AS place (nspname, rank)
WHERE nspname <> %s AND to_regclass(format('%%I.alembic_version', nspname)) IS NOT NULL
  AND EXISTS (SELECT FROM pg_proc
              WHERE proname = 'job_is_sound' AND pronamespace = nspname::regnamespace)
ORDER BY rank LIMIT 1
"""
# Indexes, sequences and rights go along with their table.
OBJECTS = """
SELECT 'TABLE', format('%%I.%%I', nspname, relname), pg_get_userbyid(relowner)
FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE nspname = %(schema)s AND relkind IN ('r', 'p') AND relname = ANY(%(names)s)
UNION ALL
SELECT 'FUNCTION',
       format('%%I.%%I(%%s)', nspname, proname, pg_get_function_identity_arguments(pg_proc.oid)),
       pg_get_userbyid(proowner)
FROM pg_proc JOIN pg_namespace ON pg_namespace.oid = pronamespace
WHERE nspname = %(schema)s AND proname || '()' = ANY(%(names)s)
"""
USERS = """
SELECT DISTINCT quote_ident(rolname)
FROM pg_class, aclexplode(relacl) AS given JOIN pg_roles ON pg_roles.oid = given.grantee
WHERE relnamespace = %s::regnamespace
"""
MADE_BY_ANOTHER = (
    "The schema mahaam cannot be made ({fault}). Have somebody who may do so run: "
    "CREATE SCHEMA mahaam AUTHORIZATION {role};"
)
MOVED_BY_ANOTHER = (
    "{kind} {name} belongs to {owner} and cannot be moved to the schema mahaam ({fault}). Have a "
    "superuser run: CREATE SCHEMA IF NOT EXISTS mahaam AUTHORIZATION {role}; "
    "ALTER {kind} {name} SET SCHEMA mahaam; then upgrade again."
)


def former(connection: Connection) -> str | None:
    """Return the schema in which an earlier release has its tables, if there is one."""
    found = connection.exec_driver_sql(FORMER, (SCHEMA,)).scalar()
    return None if found is None else str(found)


def look_only_here(connection: Connection) -> None:
    """Let names without a schema mean our tables, and nobody else's."""
    connection.exec_driver_sql(f"SET search_path = {SCHEMA}")


def make(connection: Connection, former_schema: str | None) -> None:
    """Make the schema, and move into it what earlier releases made in `former_schema`."""
    me = str(connection.exec_driver_sql("SELECT current_user").scalar())
    if not _exists(connection):
        _make(connection, me)
    if former_schema is not None:
        _move_all(connection, former_schema, me)
        _let_users_in(connection)


def _exists(connection: Connection) -> bool:
    # CREATE SCHEMA IF NOT EXISTS wants the right to make one even when there is nothing to make.
    question = "SELECT 1 FROM pg_namespace WHERE nspname = %s"
    return connection.exec_driver_sql(question, (SCHEMA,)).scalar() is not None


def _make(connection: Connection, me: str) -> None:
    role = _quoted(connection, me)
    try:
        connection.exec_driver_sql(f"CREATE SCHEMA {SCHEMA}")
    except ProgrammingError as fault:
        raise _refused(MADE_BY_ANOTHER, fault, role=role) from fault


def _move_all(connection: Connection, schema: str, me: str) -> None:
    refused = []
    for kind, name, owner in _left_behind(connection, schema):
        try:
            _move(connection, kind, name, owner=owner, me=me)
        except CommandError as fault:
            refused.append(str(fault))
    if refused:
        raise CommandError("\n".join(refused))


def _left_behind(connection: Connection, schema: str) -> list[tuple[str, str, str]]:
    """Return kind, quoted name and owner of what is ours in an earlier release's schema."""
    table = f"{_quoted(connection, schema)}.alembic_version"
    revision = str(connection.exec_driver_sql(f"SELECT version_num FROM {table}").scalar())
    names = [name for at, made in MADE_BY.items() if at <= revision for name in made.split()]
    values = {"schema": schema, "names": ["alembic_version", *names]}
    found = connection.exec_driver_sql(OBJECTS, values)
    return [(kind, name, owner) for kind, name, owner in found]


def _move(connection: Connection, kind: str, name: str, *, owner: str, me: str) -> None:
    """Move a table or function. What another role owns, such as the audit, is moved as its member."""
    may = "SELECT pg_has_role(%s, 'USAGE')"
    is_mine = bool(connection.exec_driver_sql(may, (owner,)).scalar())
    role = _quoted(connection, owner)
    try:
        with connection.begin_nested():
            if not is_mine:
                connection.exec_driver_sql(f"GRANT {role} TO CURRENT_USER")
            connection.exec_driver_sql(f"ALTER {kind} {name} SET SCHEMA {SCHEMA}")
            connection.exec_driver_sql(f"GRANT USAGE ON SCHEMA {SCHEMA} TO {role}")
            if not is_mine:
                connection.exec_driver_sql(f"REVOKE {role} FROM CURRENT_USER")
    except ProgrammingError as fault:
        words = {"kind": kind, "name": name, "owner": role, "role": _quoted(connection, me)}
        raise _refused(MOVED_BY_ANOTHER, fault, **words) from fault


def _let_users_in(connection: Connection) -> None:
    """Let whoever could use a table in its former place reach it in the new one."""
    for (role,) in connection.exec_driver_sql(USERS, (SCHEMA,)).all():
        connection.exec_driver_sql(f"GRANT USAGE ON SCHEMA {SCHEMA} TO {role}")


def _refused(sentence: str, fault: ProgrammingError, **words: str) -> Exception:
    """Return the sentence about a right that is missing; any other fault stays as it is."""
    if not isinstance(fault.orig, InsufficientPrivilege):
        return fault
    return CommandError(sentence.format(fault=str(fault.orig).splitlines()[0], **words))


def _quoted(connection: Connection, name: str) -> str:
    return str(connection.exec_driver_sql("SELECT quote_ident(%s)", (name,)).scalar())
