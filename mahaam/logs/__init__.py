"""How the process logs: text or JSON, masked, one line per event."""
