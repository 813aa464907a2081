"""How long a failed job waits."""

from __future__ import annotations

from mahaam.jobs.backoff import backoff_s


def wait_s(retry_count: int, *, delay_s: float = 1, factor: float = 2, cap_s: float = 600) -> float:
    return backoff_s(retry_count, delay_s=delay_s, factor=factor, cap_s=cap_s, jitter=False)


WAITS: list[tuple[int, dict[str, float], float]] = [
    (0, {}, 1),
    (1, {}, 2),
    (3, {}, 8),
    (9, {}, 512),
    (10, {}, 600),
    (4, {"factor": 1, "delay_s": 5}, 5),
    (2, {"factor": 3, "delay_s": 0.5}, 4.5),
    (5, {"delay_s": 0}, 0),
    (2, {"cap_s": 3}, 3),
    (0, {"delay_s": 1000}, 600),
]


def test_each_wait_is_longer_by_the_factor_up_to_the_cap() -> None:
    for retry_count, options, expected_s in WAITS:
        assert wait_s(retry_count, **options) == expected_s


def test_a_number_that_no_float_holds_is_the_cap() -> None:
    for retry_count in (1023, 1024, 10_000):
        assert wait_s(retry_count) == 600
        assert wait_s(retry_count, factor=1000, delay_s=0.001) == 600


def test_jitter_draws_from_the_upper_half() -> None:
    for chance, expected_s in ((0, 4), (0.5, 6), (1, 8)):
        drawn_s = backoff_s(3, delay_s=1, factor=2, cap_s=600, jitter=True, chance=chance)
        assert drawn_s == expected_s


def test_jitter_varies() -> None:
    drawn_s = {backoff_s(3, delay_s=1, factor=2, cap_s=600, jitter=True) for _ in range(200)}

    assert all(4 <= wait <= 8 for wait in drawn_s)
    assert max(drawn_s) - min(drawn_s) > 2
