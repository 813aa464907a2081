"""How fast the control room answers when ten million jobs lie behind it."""
