"""What an operator can ask of a worker."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

from mahaam import verbs
from mahaam.verbs import VerbResult
from mahaam.workers.queries import WorkerEntry


@dataclass(frozen=True)
class Step:
    """One thing to ask: `fits` foresees whether the engine will, `run(id, form, by=…)` asks."""

    name: str
    verb: str
    icon: str
    colour: str
    label: LazyString
    question: LazyString
    advice: LazyString
    done: LazyString
    fits: Callable[[WorkerEntry], bool]
    run: Callable[..., VerbResult]


def _plain(verb: Callable[..., VerbResult]) -> Callable[..., VerbResult]:
    return lambda id_, _form, *, by: verb([id_], by=by)


def _resize(id_: UUID, form: Mapping[str, Any], *, by: str) -> VerbResult:
    """Raises ValueError for what is no number, OptionNotValid for one that is too large."""
    return verbs.resize_workers([id_], int(form.get("greenlets", "")), by=by)


STEPS = {
    step.name: step
    for step in (
        Step(
            "quiet", "quiet", "player-pause", "primary", _l("Quiet"), _l("Let this worker take nothing new?"),
            _l("What it runs finishes. It stays, and can be woken."),
            _l("The worker was told to take nothing new; it does so within two seconds."),
            lambda worker: worker.is_live and worker.state == "running", _plain(verbs.quiet_workers),
        ),
        Step(
            "wake", "wake", "player-play", "primary", _l("Wake"), _l("Let this worker take jobs again?"),
            _l("It serves its queues as before."),
            _l("The worker was told to take jobs again; it does so within two seconds."),
            lambda worker: worker.is_live and worker.state == "quiet", _plain(verbs.wake_workers),
        ),
        Step(
            "resize", "resize", "arrows-maximize", "primary", _l("Resize"),
            _l("How many jobs may it run at once?"),
            _l("What runs goes on; with fewer places, none is started until enough have ended."),
            _l("The worker was told its new size; it takes it within two seconds."),
            lambda worker: worker.is_live and worker.state in ("running", "quiet"), _resize,
        ),
        Step(
            "stop", "stop_worker", "x", "danger", _l("Stop"), _l("End this worker?"),
            _l("Running jobs get time to finish, the others are given back."),
            _l("The worker was told to end; it begins to within two seconds."),
            lambda worker: worker.is_live and worker.state in ("running", "quiet"),
            _plain(verbs.stop_workers),
        ),
    )
}  # fmt: skip
