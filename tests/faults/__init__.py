"""Campaigns that kill, freeze, cut off and flood a running product, and count what is left of it."""
