"""Security headers, which tell a browser what our pages never do."""

from __future__ import annotations

from flask import Flask, Response, request

# Tabler draws ticks and arrows with data: images; nothing but images may have a data: address.
POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
}
YEAR_S = 365 * 24 * 3600


def register(app: Flask) -> None:
    """Add the headers to every response."""
    app.after_request(add_headers)
    app.get_send_file_max_age = _max_age_s  # type: ignore[method-assign]


def add_headers(response: Response) -> Response:
    """Return the response with the missing headers added. Caches never store pages."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if request.is_secure:
        response.headers.setdefault("Strict-Transport-Security", f"max-age={YEAR_S}")
    if request.endpoint != "static":
        response.headers.setdefault("Cache-Control", "no-store")
    return response


def _max_age_s(filename: str | None) -> int | None:
    # A vendored file has its version in its path; our own files are requested again each time.
    return YEAR_S if filename and filename.startswith("vendor/") else None
