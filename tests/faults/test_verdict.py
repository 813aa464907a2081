"""The judge is judged: every rule speaks up when it is broken, and only then."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.faults.evidence import WORK, AttemptRow, Evidence, JobRow
from tests.faults.ledger import Ledger, Pen, Run
from tests.faults.load_clients import keeps_promises
from tests.faults.result import Allowance, judge

HERE, THERE = 100, 200  # consumers
S = 10**9
CRASH = Allowance(crashes=True, completed_again=4)


def at(seconds: float) -> datetime:
    """A time of day, seconds after the campaign's beginning."""
    return datetime.fromtimestamp(seconds, UTC)


def a_job(**fields: Any) -> JobRow:
    job = JobRow("a", f"{WORK}.work", [], {"ms": 20}, "completed", 1, 0, at(1))
    return job._replace(**fields)


def crashed(number: int = 1, **fields: Any) -> AttemptRow:
    row = AttemptRow("a", number, "crashed", HERE, "w", at(1), at(7), False, "WorkerCrashed")
    return row._replace(**fields)


def a_run(number: int = 1, *, pid: int = HERE, from_s: float = 1, word: str | None = "end") -> Run:
    closed_ns = int((from_s + 0.02) * S) if word else None
    return Run("a", number, pid, int(from_s * S), closed_ns, word)


def evidence(*runs: Run, **fields: Any) -> Evidence:
    """One job, completed in one run, unless told otherwise."""
    calm = Evidence(
        lease_s=5, runs={"a": list(runs or [a_run()])}, deaths={}, lives=[(0, 100 * S)], frozen={},
        cut_off={}, consumer_faults=[], accepted={"a"}, accepted_count=1, samples=[4],
        answers=Counter(), client_faults=[], jobs=[a_job()], postgres_up_ns=-100 * S,
    )  # fmt: skip
    return replace(calm, **fields)


def promising(verb: str, at_s: float, *runs: Run, state: str = "cancelled") -> Evidence:
    """An operator was told at `at_s` that the job is cancelled, or that it stops."""
    promised = {"cancel": {"b": 0}, "stop": {"b": 0}}
    promised[verb] = {"a": int(at_s * S)}
    jobs = [a_job(state=state), a_job(id="b", state="cancelled")]
    return evidence(*runs, jobs=jobs, promised=promised)


def after_a_crash(*, died_s: float = 1.01, again_s: float = 7) -> Evidence:
    """HERE died in the middle of the job, THERE ran it again."""
    return evidence(
        a_run(word=None), a_run(2, pid=THERE, from_s=again_s), deaths={HERE: int(died_s * S)},
        jobs=[a_job(attempt=2, crash_count=1, started_at=at(again_s))], attempts=[crashed()],
    )  # fmt: skip


BROKEN: dict[str, tuple[Callable[[], Evidence], Allowance]] = {
    "have no row": (lambda: evidence(accepted={"a", "b"}), CRASH),
    "were accepted": (lambda: evidence(accepted_count=2), CRASH),
    "ended wrong": (lambda: evidence(jobs=[a_job(state="queued")]), CRASH),
    "have no end in the ledger": (lambda: evidence(jobs=[a_job(attempt=2)]), CRASH),
    "are not completed": (lambda: evidence(jobs=[a_job(state="failed")]), CRASH),
    "runs completed again": (lambda: evidence(a_run(), a_run(2, from_s=2)), Allowance()),
    "no crash is noted": (lambda: evidence(a_run(), a_run(2, from_s=2)), CRASH),
    "charged with a crash": (lambda: evidence(jobs=[a_job(crash_count=1)]), Allowance()),
    "it has 4 places": (lambda: evidence(samples=[5]), CRASH),
    "lost 5 attempts": (lambda: evidence(attempts=[crashed(n) for n in range(5)]), CRASH),
    "although their consumer lived": (lambda: evidence(a_run(word=None)), CRASH),
    "stopped in the middle": (lambda: evidence(a_run(word="cut")), CRASH),
    "started twice": (lambda: evidence(a_run(), a_run(from_s=2)), CRASH),
    "asked to stop": (
        lambda: evidence(jobs=[a_job(stop_asked_at=at(0.4), started_at=at(1))]),
        CRASH,
    ),
    "at the same time": (lambda: evidence(a_run(), a_run(2, from_s=1.01)), CRASH),
    "ran again too late": (lambda: after_a_crash(again_s=10), CRASH),
    "late results were not noted": (
        lambda: evidence(frozen={HERE: [S]}, attempts=[crashed()]),
        CRASH,
    ),
    "have no dead letter": (lambda: evidence(jobs=[a_job(state="failed")]), CRASH),
    "belong to no failed job": (lambda: evidence(letters=[("a", "E")]), CRASH),
    "ended by itself": (lambda: evidence(consumer_faults=["It ended by itself."]), CRASH),
    "are not excused": (
        lambda: evidence(said=[("ERROR", "mahaam.postgres PostgreSQL is away")]),
        CRASH,
    ),
    "with code 1": (lambda: evidence(client_faults=["It ended with code 1."]), CRASH),
}


@pytest.mark.parametrize("words", BROKEN)
def test_a_broken_rule_is_told(words: str) -> None:
    make, allowance = BROKEN[words]
    assert any(words in sentence for sentence in judge(make(), allowance))


def test_a_calm_run_breaks_no_rule() -> None:
    assert judge(evidence(), Allowance()) == []


def test_what_a_campaign_provokes_may_be_said() -> None:
    said = [
        ("ERROR", "mahaam.maintenance Worker lost. worker=1"),
        ("CRITICAL", "x Job failed for good"),
    ]
    assert judge(evidence(said=said), Allowance(says=(r"Worker lost\.",))) == []


def test_what_a_crash_excuses_breaks_no_rule() -> None:
    assert judge(after_a_crash(), CRASH) == []


def test_a_stopped_job_that_was_killed_breaks_no_rule() -> None:
    stopped = a_job(state="cancelled", crash_count=1, stop_asked_at=at(1.01))
    found = evidence(jobs=[stopped], deaths={HERE: int(1.03 * S)}, attempts=[crashed()])
    assert judge(found, CRASH) == []


def test_overlapping_runs_of_a_frozen_process_break_no_rule() -> None:
    late = crashed(is_late=True)
    found = evidence(
        a_run(), a_run(2, pid=THERE, from_s=1.01), frozen={HERE: [S]}, attempts=[late],
        jobs=[a_job(attempt=2, crash_count=1, started_at=at(1.01))],
    )  # fmt: skip
    assert judge(found, CRASH) == []


def test_time_without_any_consumer_is_not_counted() -> None:
    found = replace(after_a_crash(again_s=20), lives=[(0, 2 * S), (18 * S, 100 * S)])
    assert judge(found, CRASH) == []


def test_the_ledger_takes_in_whole_lines_only(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger")
    with Pen(ledger.path).attempt("a", 1), ledger.path.open("ab") as torn:
        torn.write(b"end b 1")
        torn.flush()
        ledger.read()
        assert [(run.job_id, run.word) for run in ledger.runs] == [("a", None)]
        torn.truncate(torn.tell() - len("end b 1"))
    ledger.read()
    assert [(run.job_id, run.word) for run in ledger.runs] == [("a", "end")]


@pytest.mark.parametrize("verb", ["cancel", "stop"])
def test_a_run_after_a_promise_breaks_it(verb: str) -> None:
    kept = promising(verb, 3, a_run(from_s=1, word="cut"))
    broken = promising(verb, 3, a_run(from_s=1, word="cut"), a_run(2, from_s=5))

    assert list(keeps_promises(kept)) == []
    assert list(keeps_promises(broken)) == [f"1 jobs ran after an acknowledged {verb}: a."]
    assert judge(kept, Allowance(cuts=True)) == []


def test_a_cancelled_job_that_lives_breaks_the_promise() -> None:
    living = promising("cancel", 3, state="queued")

    assert list(keeps_promises(living)) == ["1 acknowledged cancels are not cancelled: a."]


def test_a_job_that_nobody_cancelled_must_end_well() -> None:
    cancelled = evidence(a_run(word="cut"), jobs=[a_job(state="cancelled")])

    assert any("ended wrong" in told for told in judge(cancelled, Allowance(cuts=True)))
