"""The web server: gunicorn with a worker that no slow client can block."""
