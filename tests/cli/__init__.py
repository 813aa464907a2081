"""The commands, on real servers, and where it matters with a real consumer."""
