"""All reads: every question that a page, a command or an API asks of the record; nothing here writes."""
