"""Shared parts of all commands: one sentence for a fault, the actor, reads without open transactions."""

from __future__ import annotations

import functools
import getpass
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Concatenate, ParamSpec, TypeVar

import click
import psycopg2
from flask.cli import AppGroup
from flask_babel import force_locale
from flask_babel import gettext as _
from redis import RedisError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from mahaam.config import EXIT_CODE, ConfigurationFault, get_settings
from mahaam.core import actor, errors
from mahaam.core.actor import Actor
from mahaam.core.field import FieldNotValid
from mahaam.core.plain_text import in_lines
from mahaam.postgres.sqlstates import condition_of, first_line
from mahaam.redaction.redact import masked_for_log
from mahaam.redaction.secret_mask import MaskLeftOver

from ..web.database import db
from ..web.database_errors import told
from ..web.languages import said

P = ParamSpec("P")
T = TypeVar("T")

BAD_INPUT = (
    errors.ArgumentNotStorable,
    errors.ArgumentsNotFitting,
    MaskLeftOver,
    errors.OptionNotValid,
    errors.PayloadTooLarge,
    errors.UnknownQueue,
    errors.UnknownTask,
)
DATABASE_FAULTS = (DBAPIError, PoolTimeout, psycopg2.Error)


class Refusal(click.ClickException):
    """A fault that is printed as a sentence on standard error. The exit code is 1."""

    def show(self, file: Any = None) -> None:
        sentence = in_lines(masked_for_log(self.format_message()))
        click.echo(sentence, file=file, err=file is None)


class BadInput(Refusal):
    """A wrong argument, printed as a sentence on standard error. The exit code is 2."""

    exit_code = EXIT_CODE


class Commands(AppGroup):
    """A group whose commands report a fault with a sentence, not with a traceback."""

    def add(self, name: str, **options: Any) -> Callable[[Callable[..., None]], click.Command]:
        """Decorate a function as the command `name`, to run within the application's context."""
        return lambda function: self.command(name, **options)(_with_sentences(function))


def read(question: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Return the result of a query, and end its transaction."""
    try:
        return question(db.session(), *args, **kwargs)
    finally:
        db.session.rollback()


def operator() -> str:
    """Return the actor of the command as the records name it."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # the user of a container has no name
        name = str(os.getuid())
    return f"cli:{name}"


def _with_sentences(function: Callable[P, T]) -> Callable[P, T]:
    @functools.wraps(function)
    def command(*args: P.args, **kwargs: P.kwargs) -> T:
        # A terminal has no request with a language.
        language = get_settings().default_language
        with force_locale(language), actor.acting(Actor("cli")), _one_sentence():
            return function(*args, **kwargs)

    return command


@contextmanager
def _one_sentence() -> Iterator[None]:
    try:
        yield
    except FieldNotValid as fault:
        raise BadInput(f"{fault.field}: {said(fault.phrase)}") from fault
    except (*BAD_INPUT, ConfigurationFault) as fault:
        raise BadInput(str(fault)) from fault
    except errors.MahaamError as fault:
        raise Refusal(str(fault)) from fault
    except DATABASE_FAULTS as fault:
        condition = condition_of(fault)
        if condition is None:  # our statement is wrong
            raise
        raise Refusal(f"{told(condition)} ({first_line(fault)})") from fault
    except RedisError as fault:
        raise Refusal(_("Redis does not answer: %(why)s", why=first_line(fault))) from fault
