"""The errors of the product, each with the sentence that a person reads."""

from __future__ import annotations


class MahaamError(Exception):
    """The base of all errors of the product; the docstring of the class is its default message."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (type(self).__doc__ or "").strip())


class ArgumentNotStorable(MahaamError):
    """An argument cannot be stored as JSON."""


class ArgumentsNotFitting(MahaamError, TypeError):
    """The task cannot be called with these arguments."""


class PayloadTooLarge(MahaamError):
    """The arguments are larger than the payload limit."""


class OptionNotValid(MahaamError):
    """A job option has a value that it cannot have."""


class UnknownTask(MahaamError):
    """No such task is registered. Is its module in TASK_MODULES?"""


class UnknownQueue(MahaamError):
    """No such queue exists. Declare it on a task or add it to the queue table."""


class DatabaseUnavailable(MahaamError):
    """PostgreSQL does not answer, so the job was not accepted. Try again."""


class WorkerCrashed(MahaamError):
    """The consumer that ran this job ended without finishing it."""


class WorkerFrozen(MahaamError):
    """This job held its consumer, so that nothing else ran there, and the consumer was ended."""


class SignalNotAllowed(MahaamError, ValueError):
    """A task may not change what its consumer does upon signals."""


class TurnedIntoFailure(MahaamError):
    """An operator turned this completed job into a failed one."""


class TaskStopped(BaseException):
    """An operator stopped this job.

    No Exception, so that a task's own `except Exception` does not eat it; `finally` sees it.
    """


class PayloadBroken(MahaamError):
    """The arguments in the job's row cannot be read back."""
