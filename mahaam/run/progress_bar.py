"""A progress bar that sets the job's progress: tqdm, which writes to the job's row."""

from __future__ import annotations

from threading import RLock
from typing import Any

from tqdm.std import tqdm

from mahaam.core.payload import clean
from mahaam.run.current_job import WORDS_LIMIT_BYTES
from mahaam.run.log_buffer import said
from mahaam.run.run import current_run

WORDS = "{desc}{n_fmt}/{total_fmt} [{elapsed}<{remaining}, {rate_fmt}{postfix}]"


class track(tqdm):  # type: ignore[misc]  # noqa: N801 (tqdm has no types; it is called like tqdm)
    """`for item in track(items, desc="mails")`, `with track(total=9) as bar: bar.update(1)`.

    Takes the arguments of tqdm. In a job, what tqdm would draw becomes the job's progress: the
    percentage, and the count, the rate and the remaining time as text; nothing is printed. Of two bars
    at once the one that moved last is shown. Without a total the percentage stays 0. Outside of a
    job it is plain tqdm.
    """

    monitor_interval = 0  # no thread that redraws
    _lock = RLock()  # tqdm's own would be shared between processes

    def __init__(self, *args: Any, **options: Any) -> None:
        self._run = current_run()
        if self._run is None:
            super().__init__(*args, **options)
            return
        if "disable" in options:  # None asks for a terminal, which no job has
            options["disable"] = bool(options["disable"])
        super().__init__(*args, **{"miniters": 1} | options | {"gui": True})
        if not self.disable:
            self.refresh()

    def refresh(self, nolock: bool = False, lock_args: Any = None) -> Any:
        """Draw now, in a job without tqdm's lock, because no two bars share a screen there.

        tqdm would keep the lock if drawing fails (on a wrong `bar_format`), and every job would hang.
        """
        return super().refresh(nolock or self._run is not None, lock_args)

    def display(self, msg: str | None = None, pos: int | None = None) -> Any:
        """Draw the bar; in a job, set its progress."""
        if self._run is None:
            return super().display(msg, pos)
        percent = max(0, min(100, int(100 * self.n / self.total))) if self.total else 0
        words = clean(self._words() if msg is None else msg, WORDS_LIMIT_BYTES)
        said.progress(self._run, percent, words)
        return True

    def _words(self) -> str:
        """Return what tqdm would draw, without the bar, at any width."""
        facts = self.format_dict | {"ncols": None}
        name = facts["prefix"].removesuffix(": ")
        if facts["total"] and not facts["bar_format"]:
            facts |= {"bar_format": WORDS, "prefix": f"{name}: " if name else ""}
        else:
            facts["prefix"] = name
        return str(self.format_meter(**facts))

    def clear(self, *args: Any, **options: Any) -> None:
        """Remove the bar from the screen; in a job there is none."""
        if self._run is None:
            super().clear(*args, **options)

    def close(self) -> None:
        """Draw a last time and end."""
        if self._run is not None and not getattr(self, "disable", True):
            self.refresh()
        super().close()
