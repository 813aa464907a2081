"""Addresses of the pages to which mails and alerts link: the table that `mahaam.alerts.pages` gets.

Consumers load this module as well, so it imports neither Flask nor a view.
"""

from __future__ import annotations

from mahaam.alerts.pages import LinkedPage

PREFIX = "/admin"
_PATHS = {
    LinkedPage.HOME: "/",
    LinkedPage.ALERTS: "/alert/",
    LinkedPage.DEAD_LETTER: "/deadletterqueue/{of}/",
    LinkedPage.ERROR: "/error/{of}/",
    LinkedPage.ERRORS: "/error/",
    LinkedPage.FAILED_JOBS_OF_QUEUE: "/job/?state=failed&queue={of}",
    LinkedPage.FAILED_JOBS_OF_TASK: "/job/?state=failed&task={of}",
    LinkedPage.JOB: "/job/{of}/",
    LinkedPage.OPEN_DEAD_LETTERS: "/deadletterqueue/?reprocessed=no&resolved=no",
    LinkedPage.QUEUE: "/queues/{of}/",
    LinkedPage.RECONCILE: "/reconcile/",
    LinkedPage.SCHEDULE: "/schedule/{of}/",
    LinkedPage.TASK: "/definition/task/{of}/",
    LinkedPage.WORKERS: "/worker/",
}
ADDRESSES = {page: PREFIX + path for page, path in _PATHS.items()}
