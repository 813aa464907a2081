"""Health checks for a load balancer: whether this process answers, and whether it can do its work."""

from __future__ import annotations

from flask import Flask, Response, current_app, jsonify
from flask.typing import ResponseReturnValue

from .readiness import Readiness

ENDPOINTS = ("livez", "readyz", "healthz")
PROBES = frozenset(f"/{endpoint}" for endpoint in ENDPOINTS)


def register(app: Flask) -> None:
    """Answer at /livez and /readyz. /healthz is the former name of /livez."""
    app.extensions["readiness"] = Readiness()
    for endpoint, answer in zip(ENDPOINTS, (livez, readyz, livez), strict=True):
        app.add_url_rule(f"/{endpoint}", endpoint, answer)


def livez() -> ResponseReturnValue:
    """Return 200 and `ok` without asking any server. A process that does not should be restarted."""
    return Response("ok\n", mimetype="text/plain")


def readyz() -> ResponseReturnValue:
    """Return 200 if the servers answer and the tables are up to date, else 503 and the reasons as JSON."""
    readiness: Readiness = current_app.extensions["readiness"]
    reasons = readiness.reasons()
    if reasons:
        return jsonify(ready=False, reasons=reasons), 503
    return jsonify(ready=True)
