"""Finding jobs: the indexes of the list, and saved views."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# Every three letters of an error's beginning, in lower case: what a GIN index finds texts by.
# The extension pg_trgm would do it, too, but not every server lets one have it.
ERROR_GRAMS = """
CREATE FUNCTION error_grams(error text) RETURNS text[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT array_agg(DISTINCT substr(low, at, 3))
  FROM (SELECT lower(left(error, 300)) AS low) AS beginning, generate_series(1, length(low) - 2) AS at
$$
"""
# Those of what is looked for: every third will do, and the last. Fewer are sooner asked for.
ERROR_PROBES = """
CREATE FUNCTION error_probes(wanted text) RETURNS text[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT array_agg(DISTINCT substr(lower(wanted), at, 3))
  FROM (SELECT generate_series(1, length(wanted) - 2, 3) UNION SELECT length(wanted) - 2) AS place(at)
$$
"""
AT_REST = "state <> 'running'"
# What is new waits in a list that every search reads: a short one.
GIN = {"postgresql_using": "gin", "postgresql_with": {"gin_pending_list_limit": 1024}}


def upgrade() -> None:
    op.execute(ERROR_GRAMS)
    op.execute(ERROR_PROBES)
    op.create_index(
        "job_listed",
        "job",
        ["state", "queue", "task", "id"],
        postgresql_where=sa.text(AT_REST),
    )
    op.create_index(
        "job_argument",
        "job",
        ["args", "kwargs"],
        **GIN,
        postgresql_ops={"args": "jsonb_path_ops", "kwargs": "jsonb_path_ops"},
        postgresql_where=sa.text(AT_REST),
    )
    op.create_index(
        "job_tag",
        "job",
        ["tags"],
        **GIN,
        postgresql_where=sa.text(f"tags IS NOT NULL AND {AT_REST}"),
    )
    op.create_index(
        "job_error_text",
        "job",
        [sa.text("error_grams(error)")],
        **GIN,
        postgresql_where=sa.text(f"error IS NOT NULL AND {AT_REST}"),
    )
    op.create_index(
        "job_failing", "job", ["state", "id"], postgresql_where=sa.text("error IS NOT NULL")
    )
    op.create_table(
        "saved_view",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "filter",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="JobFilter.to_dict",
        ),
        sa.Column("is_shared", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 60", name=op.f("saved_view_name_is_short")),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["user.id"], name=op.f("saved_view_owner_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("saved_view_pkey")),
    )
    op.create_index("saved_view_name", "saved_view", ["owner_id", "name"], unique=True)
    op.create_index(
        "saved_view_shared", "saved_view", ["name"], postgresql_where=sa.text("is_shared")
    )
