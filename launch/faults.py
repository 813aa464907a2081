"""Faults that can keep the product from starting, each with the sentence that a person reads."""

from __future__ import annotations

from mahaam.config import EXIT_CODE


class LaunchFault(Exception):
    """The product cannot start."""

    exit_code = 1


class AlreadyRunning(LaunchFault):
    """Another launcher holds the lock."""


class PortTaken(LaunchFault):
    """The web server's port belongs to somebody else."""


class FolderNotWritable(LaunchFault):
    """A folder of ours cannot be written."""


class ProgramMissing(LaunchFault):
    """A program that we start is not on this machine."""


class ServerFailed(LaunchFault):
    """An embedded server did not start, or ended by itself."""


class ServerNotReachable(LaunchFault):
    """A server named in the configuration does not take us."""


class ServerUnfit(ServerNotReachable):
    """A server named in the configuration is of a kind that cannot serve us."""

    exit_code = EXIT_CODE


class MigrationFailed(LaunchFault):
    """The tables could not be brought up to date."""


class AccountFailed(LaunchFault):
    """The first account could not be made."""


class ChildEnded(LaunchFault):
    """Web or consumer ended although nobody had asked."""
