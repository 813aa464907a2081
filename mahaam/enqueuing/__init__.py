"""How jobs come in: checked, written, rung for."""
