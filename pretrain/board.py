"""The trackers of one stage together: one that fails is named once and left alone, and training goes on."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from corpora.stage import JSON
from pretrain import notes
from pretrain.tracking import AnyTracker, installed
from pretrain.tracking.tracker import Curves, Tracked

NOT_CURVES = frozenset({"stage", "step", "seconds"})
IDS = "trackers.jsonl"


class Board:
    """Tells the open trackers of a stage. Nothing is opened before `begin`."""

    def __init__(self, trackers: Sequence[AnyTracker], run: Tracked, say: Callable[[str], None]) -> None:
        """Stand ready to tell `trackers` of `run`, and `say` to a person what fails."""
        self._trackers, self._run, self._say = trackers, run, say
        self._begun = False
        self._open = dict[str, tuple[Curves, int]]()  # and the last step that it was told of

    def begin(self, after: int, told: int) -> None:
        """Training goes on after a step, 0 at its beginning; all up to step `told` was shown before.

        Said again, it changes nothing: what is open stays open.

        Steps that come again measure what they measured before. A tracker that can forget them does;
        any other is not told of them twice.
        """
        if self._begun:
            return
        self._begun, after = True, max(after, 0)
        found_again = any(not tracker.rewinds for tracker in self._trackers)
        run = replace(self._run, after=after, id=_id(self._run, after) if found_again else "")
        for tracker in self._trackers:
            if not installed(tracker):
                self._say(f"{tracker.name} is not installed and shows nothing: pip install {tracker.package}")
                continue
            try:
                curves = tracker.open(run)
                self._open[tracker.name] = curves, -1 if tracker.rewinds or not after else told
                if url := getattr(curves, "url", None):
                    self._say(f"{tracker.name} shows this run at {url}")
            except Exception as error:  # of any kind: a tracker is no reason to stop
                self._give_up(tracker.name, error)

    def add(self, row: Mapping[str, JSON]) -> None:
        """Show the numbers of a row that has a step."""
        if "step" not in row:
            return
        values = {name: v for name, v in row.items() if name not in NOT_CURVES and isinstance(v, int | float)}
        for name, (curves, told) in list(self._open.items()):
            if row["step"] > told:
                try:
                    curves.log(values, step=int(row["step"]))
                except Exception as error:
                    self._give_up(name, error)

    def close(self) -> None:
        """Let every tracker finish."""
        for name, (curves, _) in list(self._open.items()):
            try:
                curves.finish()
            except Exception as error:
                self._give_up(name, error)
        self._open.clear()

    def _give_up(self, name: str, error: Exception) -> None:
        self._open.pop(name, None)
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        self._say(f"{name} failed and is told no more ({first}); metrics.jsonl holds everything")


def _id(run: Tracked, after: int) -> str:
    """The id under which trackers know this stage: a new one at step 0, noted in the run's folder."""
    path: Path = run.folder / IDS
    known = [row["id"] for row in notes.rows(path) if row["stage"] == run.stage]
    if after and known:
        return str(known[-1])
    fresh = uuid.uuid4().hex[:12]
    notes.append(path, {"stage": run.stage, "id": fresh})
    return fresh
