"""Presentation of values on a page: badges, charts, times, payloads, differences."""
