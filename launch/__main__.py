"""`python -m launch`: run the product on this machine."""

from __future__ import annotations

import sys

from mahaam.config import settings_or_exit

from .faults import LaunchFault
from .product import run


def main() -> int:
    """Run until stopped. Return the exit code: 0 after a signal, 2 for the configuration, else 1."""
    settings = settings_or_exit()
    try:
        run(settings)
    except LaunchFault as fault:
        print(fault, file=sys.stderr)
        return fault.exit_code
    except KeyboardInterrupt:
        pass
    print("Mahaam has stopped.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
