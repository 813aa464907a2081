"""Where a web server finds the application."""

from __future__ import annotations

from config import settings_or_exit
from dashboard import create_app

settings_or_exit()
app = create_app()
