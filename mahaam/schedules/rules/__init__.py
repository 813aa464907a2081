"""When schedules run: pure rules that take the time as an argument."""
