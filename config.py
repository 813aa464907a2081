"""The settings of this installation, from the environment and `.env`; `mahaam/config.py` declares them."""

from mahaam.config import (
    EXIT_CODE,
    PROJECT_DIR,
    ConfigurationFault,
    Settings,
    get_settings,
    settings_or_exit,
)

__all__ = [
    "EXIT_CODE",
    "PROJECT_DIR",
    "ConfigurationFault",
    "Settings",
    "get_settings",
    "settings_or_exit",
]
