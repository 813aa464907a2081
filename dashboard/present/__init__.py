"""How values look on a page: badges, charts, times, payloads, differences."""
