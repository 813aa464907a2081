"""How the console is served: `gunicorn wsgi:app` in this folder finds this file by itself."""

from __future__ import annotations

from gevent import monkey

# Before anything keeps a reference to what is replaced; the rest is patched in the worker, because
# gunicorn's own process has no greenlets.
monkey.patch_socket()
monkey.patch_ssl()

from mahaam.config import settings_or_exit

_settings = settings_or_exit()
_host = f"[{_settings.host}]" if ":" in _settings.host else _settings.host

bind = f"{_host}:{_settings.port}"
worker_class = "launch.web.gunicorn_worker.PatientWorker"
worker_connections = _settings.web_connections
keepalive = int(_settings.web_idle_timeout_s)
graceful_timeout = 5
loglevel = "warning"
control_socket_disable = True
