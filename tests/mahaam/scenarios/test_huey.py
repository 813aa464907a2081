"""What Huey's documentation promises holds here, too: hooks, revocation, locks."""

from __future__ import annotations

from tests.mahaam.scenario_run import Scenarios


def test_a_hook_may_cancel_a_job_before_it_runs(scenarios: Scenarios) -> None:
    assert scenarios.job("is vetoed")["state"] == "cancelled"
    assert [row["outcome"] for row in scenarios.attempts("is vetoed")] == ["cancelled"]


def test_a_hook_after_the_job_sees_how_it_went(scenarios: Scenarios) -> None:
    (seen,) = scenarios.children("has a witness")

    assert seen["result"][0] == [scenarios.ids["has a witness"], None, "None"]


def test_a_revoked_job_is_cancelled(scenarios: Scenarios) -> None:
    job = scenarios.job("is revoked")

    assert (job["state"], job["result"]) == ("cancelled", None)


def test_a_locked_job_waits_for_its_turn(scenarios: Scenarios) -> None:
    two = [scenarios.job("wants the lock"), scenarios.job("wants it too")]
    assert [job["state"] for job in two] == ["completed", "completed"]
    first, second = sorted(two, key=lambda job: job["result"])
    assert second["result"][0] >= first["result"][1]
    assert second["retry_count"] >= 1
