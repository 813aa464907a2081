"""What a task author imports."""
