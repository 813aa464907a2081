"""Finding jobs: the indexes of the list, and saved views."""

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass
