"""Forms of the console: their fields, how values are read, and the forms made from a task's signature."""
