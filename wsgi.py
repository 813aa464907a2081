"""Where a web server finds the application."""

from __future__ import annotations

import os
import sys

from flask import Flask

from dashboard import create_app
from mahaam.config import EXIT_CODE, ConfigurationFault, get_settings
from mahaam.doorbell.doorbell import check_server
from mahaam.logs import log_setup
from mahaam.redaction.redact import masked_for_log


def app_or_exit() -> Flask:
    """The application; configuration faults go to standard error, and the process ends with 2."""
    try:
        _set_up_logging()
        check_server(get_settings())
        return create_app()
    except ConfigurationFault as fault:
        print(masked_for_log(str(fault)), file=sys.stderr)
        raise SystemExit(EXIT_CODE) from None


def _set_up_logging() -> None:
    """Log as consumers do; what the server says of itself is as safe and without secrets, too."""
    settings = get_settings()
    if os.environ.get("FLASK_RUN_FROM_CLI") == "true":
        log_setup.set_up_for_commands()
    else:
        log_setup.set_up_logging(settings.log_level, settings.log_format)
        log_setup.format_also("gunicorn.error", "gunicorn.access")


app = app_or_exit()
