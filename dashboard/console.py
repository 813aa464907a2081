"""The pages of the console, on Flask-Admin's routes and menu with our own templates."""

from __future__ import annotations

from functools import partial
from typing import Any

from flask import Flask, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_admin import Admin
from flask_admin.theme import Theme

from mahaam.enqueuing import catalog

from .present.shortcuts import shortcuts
from .views.account import AccountView
from .views.alerts import AlertView
from .views.audit import AuditView
from .views.channels import ChannelView
from .views.dead_letters import DeadLetterView
from .views.definitions import DefinitionView
from .views.edit_job import EditJobView
from .views.errors import ErrorView
from .views.executions import ExecutionView
from .views.jobs import JobView
from .views.metrics import MetricsView
from .views.new_job import NewJobView
from .views.operations import OperationView
from .views.overview import OverviewView
from .views.queues import QueueView
from .views.reconcile import ReconcileView
from .views.redrives import RedriveView
from .views.rules import RuleView
from .views.saved_views import SavedViewView
from .views.schedule_form import ScheduleFormView
from .views.schedules import ScheduleView
from .views.set_aside import SetAsideView
from .views.settings import SettingView
from .views.tasks import TaskView
from .views.users import UserView
from .views.workers import WorkerView

# A folder that does not exist, so that none of Flask-Admin's own templates can be shown.
THEME = Theme(folder="none", base_template="console.html")


def register(app: Flask) -> None:
    """Add every page, after loading the tasks of which jobs can be created."""
    catalog.load()
    admin = Admin(app, name="Mahaam", theme=THEME, index_view=OverviewView())
    for view in (
        QueueView(),
        JobView(),
        SavedViewView(),
        DeadLetterView(),
        ErrorView(),
        AlertView(),
        ScheduleView(),
        ScheduleFormView(),
        MetricsView(),
        WorkerView(),
        TaskView(),
        DefinitionView(),
        ExecutionView(),
        OperationView(),
        RedriveView(),
        RuleView(),
        ChannelView(),
        ReconcileView(),
        SetAsideView(),
        EditJobView(),
        AuditView(),
        UserView(),
        SettingView(),
        AccountView(),
        NewJobView(),
    ):
        admin.add_view(view)
    app.add_url_rule("/", "root", to_console)
    app.add_url_rule("/admin/queue/", "old_queues", to_queues)
    menu = partial(_menu, admin)
    app.jinja_env.globals |= {"menu": menu, "shortcuts": lambda: shortcuts(menu())}


def _menu(admin: Admin) -> list[Any]:
    return [item for item in admin.menu() if item.is_visible() and item.is_accessible()]


def to_console() -> ResponseReturnValue:
    """Redirect the root of the site to the console."""
    return redirect(url_for("admin.index"))


def to_queues() -> ResponseReturnValue:
    """Redirect the former address of the queues to their monitor."""
    return redirect(url_for("queues.index"), code=301)
