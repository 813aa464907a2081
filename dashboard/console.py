"""The pages of the control room, on Flask-Admin's routes and menu and our own templates."""

from __future__ import annotations

from functools import partial
from typing import Any

from flask import Flask, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_admin import Admin
from flask_admin.theme import Theme

from dashboard.shortcuts import shortcuts
from dashboard.views.account import AccountView
from dashboard.views.alerts import AlertView
from dashboard.views.audit import AuditView
from dashboard.views.channels import ChannelView
from dashboard.views.dead_letters import DeadLetterView
from dashboard.views.definitions import DefinitionView
from dashboard.views.edit_job import EditJobView
from dashboard.views.errors import ErrorView
from dashboard.views.executions import ExecutionView
from dashboard.views.jobs import JobView
from dashboard.views.metrics import MetricsView
from dashboard.views.new_job import NewJobView
from dashboard.views.operations import OperationView
from dashboard.views.overview import OverviewView
from dashboard.views.queues import QueueView
from dashboard.views.reconcile import ReconcileView
from dashboard.views.redrives import RedriveView
from dashboard.views.rules import RuleView
from dashboard.views.saved_views import SavedViewView
from dashboard.views.schedule_form import ScheduleFormView
from dashboard.views.schedules import ScheduleView
from dashboard.views.set_aside import SetAsideView
from dashboard.views.settings import SettingView
from dashboard.views.tasks import TaskView
from dashboard.views.users import UserView
from dashboard.views.workers import WorkerView
from tasks.engine.intake import catalog

# A folder that does not exist: none of Flask-Admin's own templates can ever be shown.
THEME = Theme(folder="none", base_template="console.html")


def register(app: Flask) -> None:
    """Mount every page; the tasks that can be created must be known."""
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
    """The site's root is the console."""
    return redirect(url_for("admin.index"))


def to_queues() -> ResponseReturnValue:
    """Where the queues were before they had a monitor."""
    return redirect(url_for("queues.index"), code=301)
