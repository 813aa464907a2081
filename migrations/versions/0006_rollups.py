"""What charts are drawn from: spreads of waits and runs, hours, deploys."""

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass
