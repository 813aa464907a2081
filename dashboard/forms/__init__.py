"""Forms made from a task's signature."""
