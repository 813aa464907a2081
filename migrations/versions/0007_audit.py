"""The audit, sessions and choices of people."""

import logging

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import ProgrammingError

from mahaam.config import get_settings
from migrations.rights import FOR_AUDIT, product_role

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

log = logging.getLogger("alembic.audit")

OWNER = "mahaam_audit"

REFUSE = """
CREATE FUNCTION audit_event_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'The audit cannot be changed: % refused.', TG_OP USING ERRCODE = 'insufficient_privilege';
END
$$
"""
TRIGGER = """
CREATE TRIGGER audit_event_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_event
FOR EACH STATEMENT EXECUTE FUNCTION audit_event_stays()
"""
# An owner may do everything with his table: this one can log in nowhere, and nobody is a member of
# it for longer than it takes to give it the table.
GIVE_AWAY = (
    "GRANT {owner} TO CURRENT_USER",
    "GRANT USAGE, CREATE ON SCHEMA {schema} TO {owner}",
    "ALTER TABLE audit_event OWNER TO {owner}",
    "ALTER FUNCTION audit_event_stays() OWNER TO {owner}",
    "REVOKE CREATE ON SCHEMA {schema} FROM {owner}",
    "SET LOCAL ROLE {owner}",
    "GRANT {rights} ON audit_event TO {migrating}",
    "RESET ROLE",
    "REVOKE {owner} FROM CURRENT_USER",
)
NOT_GIVEN_AWAY = (
    "The audit belongs to the role that runs migrations, which may not make roles (%s). "
    "docs/operations.md (Audit) says how to give it a role of its own."
)


def upgrade() -> None:
    op.create_table(
        "audit_event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("actor", sa.Text(), nullable=False, comment="an e-mail address, or cli:user"),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=True, comment="of the network, if there was one"),
        sa.Column("verb", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False, comment="what the targets are"),
        sa.Column("targets", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("count", sa.Integer(), nullable=False, comment="how many it was done to"),
        sa.Column("filter", postgresql.JSONB(), nullable=True, comment="instead of targets"),
        sa.Column("before", postgresql.JSONB(), nullable=True),
        sa.Column("after", postgresql.JSONB(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("refused", sa.Text(), nullable=True, comment="why; NULL: it was done"),
        sa.CheckConstraint(
            "channel IN ('console', 'cli', 'api', 'system')",
            name=op.f("audit_event_channel_is_known"),
        ),
        sa.CheckConstraint("count >= 0", name=op.f("audit_event_count_is_whole")),
        sa.PrimaryKeyConstraint("id", name=op.f("audit_event_pkey")),
    )
    op.create_index("audit_event_actor", "audit_event", ["actor", "id"])
    op.create_index("audit_event_verb", "audit_event", ["verb", "id"])
    op.create_index("audit_event_at", "audit_event", ["at"])
    op.create_index(
        "audit_event_refused",
        "audit_event",
        ["id"],
        postgresql_where=sa.text("refused IS NOT NULL"),
    )
    op.create_index("audit_event_targets", "audit_event", ["targets"], postgresql_using="gin")
    op.execute(REFUSE)
    op.execute(TRIGGER)
    _give_away()

    op.create_table(
        "user_session",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False, comment="SHA-256"),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "began_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column(
            "seen_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="the last thing that the person did; a page that refreshes itself is nothing",
        ),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("agent", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name=op.f("user_session_user_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("user_session_pkey")),
    )
    op.create_index("user_session_user_id", "user_session", ["user_id"])
    op.add_column(
        "user",
        sa.Column("theme", sa.Text(), nullable=True, comment="as chosen; NULL: the browser's"),
    )
    op.create_check_constraint(
        op.f("user_theme_is_known"), "user", "theme IN ('auto', 'light', 'dark')"
    )


def _give_away() -> None:
    """Let another role own the audit, and let the product's role read it and add to it."""
    connection = op.get_bind()
    product = product_role(connection, get_settings().database_url)
    if product:
        op.execute(f"GRANT {FOR_AUDIT} ON audit_event TO {product}")
    words = {
        "owner": OWNER,
        "rights": FOR_AUDIT,
        "schema": connection.exec_driver_sql("SELECT quote_ident(current_schema())").scalar(),
        "migrating": connection.exec_driver_sql("SELECT quote_ident(current_user)").scalar(),
    }
    try:
        with connection.begin_nested():
            if not connection.exec_driver_sql(
                "SELECT 1 FROM pg_roles WHERE rolname = %s", (OWNER,)
            ).scalar():
                connection.exec_driver_sql(f"CREATE ROLE {OWNER} NOLOGIN")
            for order in GIVE_AWAY:
                connection.exec_driver_sql(order.format(**words))
    except ProgrammingError as fault:
        log.warning(NOT_GIVEN_AWAY, str(fault.orig).splitlines()[0])
