"""Tasks that the pictures show."""
