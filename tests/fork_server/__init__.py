"""Consumers forked from a process that has imported them already, which saves a second of each start."""

from tests.fork_server.client import Forked, ForkServer, fork_server

__all__ = ["ForkServer", "Forked", "fork_server"]
