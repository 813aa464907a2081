"""All reads: what pages, commands and the API ask of the record; nothing here writes."""
