"""Where a web server finds the application."""

from __future__ import annotations

import sys

from flask import Flask

from config import EXIT_CODE, ConfigurationFault, get_settings
from dashboard import create_app
from tasks.engine.intake.doorbell import check_server


def app_or_exit() -> Flask:
    """The application; configuration faults go to standard error, and the process ends with 2."""
    try:
        check_server(get_settings())
        return create_app()
    except ConfigurationFault as fault:
        print(fault, file=sys.stderr)
        raise SystemExit(EXIT_CODE) from None


app = app_or_exit()
