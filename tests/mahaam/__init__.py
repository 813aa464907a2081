"""The engine: rows, moves, real consumers."""
