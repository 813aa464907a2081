"""`make screenshots`: start, fill, look, write docs/screenshots/, end."""

from __future__ import annotations

import argparse
from pathlib import Path

from mahaam.config import PROJECT_DIR, get_settings
from tools.screenshots.camera import SHOTS, take
from tools.screenshots.product import running_product


def main() -> None:
    """Take all pictures, or those that are named."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("names", nargs="*", metavar="NAME", help="such as jobs-ar-dark")
    arguments.add_argument("--to", type=Path, default=PROJECT_DIR / "docs" / "screenshots")
    arguments.add_argument("--hold", action="store_true", help="keep it running until Enter")
    given = arguments.parse_args()
    shots = tuple(shot for shot in SHOTS if not given.names or shot.name in given.names)
    with running_product() as address:
        from tools.screenshots.seed import fill  # only now is there a product to be filled

        job = fill(get_settings().database_url)
        take(shots, address=address, job=job, folder=given.to)
        if given.hold:
            input(f"{address} job {job}: Enter ends it. ")


if __name__ == "__main__":
    main()
