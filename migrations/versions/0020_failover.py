"""The rule that tells when PostgreSQL was failed over."""

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

RULE = """
INSERT INTO alert_rule (name, kind, parameters, severity, channels, created_by)
SELECT 'PostgreSQL was failed over', 'failed_over', '{"minutes": 1440}', 'critical',
       ARRAY(SELECT id FROM channel WHERE name = 'Administrators'), 'mahaam'
ON CONFLICT (name) DO NOTHING
"""


def upgrade() -> None:
    op.execute(RULE)
