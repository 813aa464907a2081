"""Tasks as users of Huey define them, and the messages of their calls."""
