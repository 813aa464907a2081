"""Every page and the main ways through them, in a real browser on a real server."""
