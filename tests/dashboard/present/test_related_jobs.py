"""The relatives of a job, as pipelines, chords and tasks that enqueue make them."""

from __future__ import annotations

import uuid
from typing import Any

from huey.api import chord

from dashboard.present.related_jobs import picture_of
from mahaam import huey, task
from mahaam.queries.job_list import find_job
from mahaam.queries.related_jobs import RELATIVES_SHOWN, RelatedJobs, family_of
from tests.dashboard.browser import Browser
from tests.dashboard.rows import a_job, ask
from tests.sessions import a_session


@task
def first() -> int:
    """Begin."""
    return 1


@task
def then(*_: Any) -> int:
    """Go on."""
    return 2


FIRST, THEN = f"{__name__}.first", f"{__name__}.then"


def related_jobs(job_id: Any) -> RelatedJobs:
    """What is related to this job."""
    with a_session() as session:
        job = find_job(session, uuid.UUID(str(job_id)))
        assert job is not None
        return family_of(session, job)


def a_child(parent: uuid.UUID, state: str = "queued") -> uuid.UUID:
    """A job that another one made."""
    child = a_job(state)
    ask("UPDATE job SET parent_id = %s WHERE id = %s", (str(parent), str(child)))
    return child


def test_a_job_alone_has_no_family(operator: Browser) -> None:
    job = a_job()
    assert not related_jobs(job)
    assert 'id="family"' not in operator.get(f"/admin/job/{job}/").text


def test_parents_are_shown_from_the_farthest_on_and_children_as_they_came() -> None:
    top = a_job("completed")
    middle = a_child(top, "completed")
    job = a_child(middle)
    children = [a_child(job) for _ in range(3)]

    found = related_jobs(job)

    assert [one.id for one in found.ancestors] == [top, middle]
    assert [one.id for one in found.children] == children


def test_of_very_many_children_some_are_shown_and_that_there_are_more(operator: Browser) -> None:
    job = a_job("completed")
    ask(
        "INSERT INTO job (id, task, queue, state, queued_at, parent_id)"
        " SELECT gen_random_uuid(), 't', 'default', 'queued', now(), %s FROM generate_series(1, 80)",
        (str(job),),
    )
    found = related_jobs(job)
    assert len(found.children) == RELATIVES_SHOWN
    assert found.has_more_children
    assert "and more" in operator.get(f"/admin/job/{job}/").text


def test_the_next_tasks_of_a_pipeline_are_there_before_they_are_jobs(operator: Browser) -> None:
    huey.enqueue(first.s().then(then).then(then))
    (job,) = ask("SELECT id FROM job")[0]
    found = related_jobs(job)

    assert [(link.task, link.state) for link in found.links] == [(THEN, None), (THEN, None)]
    text = operator.get(f"/admin/job/{job}/").text
    assert "not made yet" in text
    assert "Follows in the pipeline" in text


def test_a_chord_shows_its_members_and_what_they_lead_to() -> None:
    result = huey.enqueue(chord([first.s() for _ in range(3)], then.s()))
    members = [uuid.UUID(str(row[0])) for row in ask("SELECT id FROM job ORDER BY id")]

    found = related_jobs(members[1])

    assert found.chord is not None
    assert [one.id for one in found.chord.members] == members
    assert (found.chord.size, found.chord.arrived, found.chord.unseen) == (3, 0, 0)
    assert (str(found.chord.callback.id), found.chord.callback.state) == (result.callback.id, None)


def test_the_callback_of_a_chord_shows_whose_results_it_was_given() -> None:
    result = huey.enqueue(chord([first.s() for _ in range(2)], then.s()))
    members = [uuid.UUID(str(row[0])) for row in ask("SELECT id FROM job ORDER BY id")]
    ask(
        "INSERT INTO job (id, task, queue, state, queued_at, parent_id)"
        " VALUES (%s, 't', 'default', 'queued', now(), %s)",
        (result.callback.id, str(members[1])),
    )
    found = related_jobs(result.callback.id)

    assert found.gathered is not None
    assert [one.id for one in found.gathered.members] == members


def test_of_a_large_chord_the_first_fifty_are_shown_and_how_many_there_are(
    operator: Browser,
) -> None:
    huey.enqueue(chord([first.s() for _ in range(70)], then.s()))
    (job,) = ask("SELECT id FROM job ORDER BY id LIMIT 1")[0]
    found = related_jobs(job)
    assert found.chord is not None
    assert (len(found.chord.members), found.chord.unseen) == (50, 20)
    assert "and 20 more" in operator.get(f"/admin/job/{job}/").text


def test_a_picture_joins_members_with_the_callback_and_nobody_overlaps() -> None:
    huey.enqueue(chord([first.s() for _ in range(3)], then.s()))
    (job,) = ask("SELECT id FROM job ORDER BY id LIMIT 1")[0]

    picture = picture_of(related_jobs(job))

    assert len(picture.lines) == 3
    slots = [(box.x, box.y) for box in picture.boxes]
    assert len(set(slots)) == len(slots) == 4
    assert [box.is_here for box in picture.boxes].count(True) == 1


def test_a_ring_of_parents_that_somebody_made_does_not_end_in_a_loop(operator: Browser) -> None:
    one = a_job("completed")
    other = a_child(one, "completed")
    ask("UPDATE job SET parent_id = %s WHERE id = %s", (str(other), str(one)))
    assert operator.get(f"/admin/job/{one}/").status_code == 200


def test_options_that_make_no_sense_do_not_break_the_page(operator: Browser) -> None:
    job = a_job("completed")
    for nonsense in (
        '{"on_complete": {"id": 7}}',
        '{"on_complete": []}',
        '{"chord": "x"}',
        '{"chord": 1}',
    ):
        ask("UPDATE job SET options = %s WHERE id = %s", (nonsense, str(job)))
        assert operator.get(f"/admin/job/{job}/").status_code == 200
