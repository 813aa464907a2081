"""The log of the process: text or JSON, masked, one line per event."""
