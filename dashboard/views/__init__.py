"""The pages of the console. Each checks access, runs one query or one verb, and renders."""
