"""The registered tasks, with their failures and their pauses."""

from __future__ import annotations

from flask import abort, url_for
from flask_admin import expose
from flask_babel import lazy_gettext as _l

from mahaam.core.errors import UnknownTask
from mahaam.enqueuing import catalog
from mahaam.postgres.paging import Page

from ..live import snapshot
from .page import MORE
from .pausing import PausingPage


class TaskView(PausingPage):
    """Tasks at /admin/task/."""

    kind = "task"

    def __init__(self) -> None:
        super().__init__(_l("Tasks"), endpoint="task", category=MORE, menu_icon_value="puzzle")

    @expose("/")
    def index(self) -> str:
        """List every registered task, and those that are paused but no longer registered."""
        now = snapshot.current().overview
        pauses = {pause.task: pause for pause in now.paused_tasks}
        cards = catalog.all_tasks()
        gone = sorted(pauses.keys() - {card.name for card in cards})
        failing = {task.task: task for task in now.failing}
        return str(
            self.render(
                "tasks.html", page=Page(tuple(cards)), gone=gone, pauses=pauses, failing=failing
            )
        )

    def check(self, subject: str) -> None:
        """Answer 404 unless the task is registered or paused."""
        try:
            catalog.find(subject)
        except UnknownTask:
            paused = snapshot.current().overview.paused_tasks
            if subject not in {pause.task for pause in paused}:
                abort(404)

    def home(self, subject: str) -> str:
        """Return the address of the list."""
        return url_for("task.index")
