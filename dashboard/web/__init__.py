"""The web application around the pages: configuration, database, headers, errors, health."""
