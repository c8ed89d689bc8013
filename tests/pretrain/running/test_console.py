"""What a run says: on a terminal, into a file, into its folder."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from corpora.errors import Interrupted
from pretrain.launch.signals import StopRequest
from pretrain.running.console import Listener, RunReporter, log

Make = Callable[..., RunReporter]


@pytest.fixture
def stop() -> StopRequest:
    return StopRequest()


@pytest.fixture
def said() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def make(tmp_path: Path, stop: StopRequest, said: io.StringIO) -> Make:
    def make(stage: str = "train", terminal: bool = False) -> RunReporter:
        return RunReporter(Console(file=said, force_terminal=terminal), tmp_path, stage, stop)

    return make


@pytest.mark.parametrize("terminal", [True, False])
@pytest.mark.parametrize("total", [None, 3])
def test_tracking_yields_every_item(make: Make, terminal: bool, total: int | None) -> None:
    items = iter("abc") if total is None else "abc"
    assert list(make(terminal=terminal).track(items, "reading", total, "letters")) == ["a", "b", "c"]


@pytest.mark.parametrize("terminal", [True, False])
def test_tracking_stops_after_the_item_in_work(make: Make, stop: StopRequest, terminal: bool) -> None:
    items = make(terminal=terminal).track("abc", "reading")
    assert next(items) == "a"
    stop.note(15)
    with pytest.raises(Interrupted, match="train: stopped by SIGTERM; finished parts are kept"):
        next(items)
    assert make().stopping


def test_lines_come_now_and_then(make: Make, said: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 1000, 10))
    monkeypatch.setattr("pretrain.running.console.time.monotonic", lambda: next(clock))
    list(make().track(range(1, 7), "reading", unit="rows"))
    assert said.getvalue() == "".join(f"  reading: {n}/6 rows\n" for n in (2, 4, 6))


ROW = {"step": 4, "loss": 6.5, "mlm": 6.5, "mlm_accuracy": 0.1}


def test_the_bar_shows_what_was_measured_last(make: Make, said: io.StringIO) -> None:
    reporter = make(terminal=True)
    for number in reporter.track(range(3), "training", unit="steps"):
        reporter.metrics({**ROW, "step": number})
    assert "step 2: loss 6.500, 10.0% right" in said.getvalue()


def test_elsewhere_measures_are_lines_with_the_time_that_is_left(
    make: Make, said: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr("pretrain.running.console.time.monotonic", lambda: now)
    reporter = make()
    for number in reporter.track(range(1, 7), "training", unit="steps"):
        now += 10.0
        if number > 1:
            reporter.metrics({**ROW, "step": number})
    assert said.getvalue().splitlines() == [
        "  step 2: loss 6.500, 10.0% right, 0:00:50 left",
        "  step 4: loss 6.500, 10.0% right, 0:00:30 left",
        "  step 6: loss 6.500, 10.0% right, 0:00:10 left",
    ]


def test_the_page_is_drawn_now_and_then_and_seldom_if_it_takes_long(
    tmp_path: Path, stop: StopRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, drawn = 0.0, list[float]()

    def draw() -> None:
        nonlocal now
        drawn.append(now)
        now += 2.0

    monkeypatch.setattr("pretrain.running.console.time.monotonic", lambda: now)
    reporter = RunReporter(Console(file=io.StringIO()), tmp_path, "train", stop, draw=draw)
    for _ in range(50):
        now += 10.0
        reporter.metrics(ROW)
    assert drawn == [70.0, 272.0, 474.0]


def test_trackers_are_told_from_the_step_on_that_they_do_not_know(make: Make, tmp_path: Path) -> None:
    first = make("train")
    first.rewind(0)
    first.metrics({"step": 30, "loss": 0.5})
    begun = list[tuple[int, int]]()
    second = make("train")
    second._board.begin = lambda after, told: begun.append((after, told))  # type: ignore[method-assign]
    second.rewind(20)
    assert begun == [(20, 30)]


def test_markup_in_a_line_is_text(make: Make, said: io.StringIO, tmp_path: Path) -> None:
    make().say("lacks [bold]weights[/] of [x]")
    assert said.getvalue() == "  lacks [bold]weights[/] of [x]\n"
    assert (tmp_path / "log.txt").read_text("utf-8").endswith(" train: lacks [bold]weights[/] of [x]\n")


def rows(folder: Path) -> list[tuple[str, int | None]]:
    lines = (folder / "metrics.jsonl").read_text("utf-8").splitlines()
    return [(row["stage"], row.get("step")) for row in map(json.loads, lines)]


def test_metrics_after_a_step_are_forgotten(make: Make, tmp_path: Path) -> None:
    first, second = make("train"), make("more")
    first.rewind(0)
    assert not (tmp_path / "metrics.jsonl").exists()
    for step in (1, 2, 3):
        first.metrics({"step": step, "loss": 0.5})
        second.metrics({"step": step})
    second.metrics({"text": "文"})
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(path.read_bytes() + b'{"stage": "tra')  # torn by a kill
    first.rewind(1)
    assert rows(tmp_path) == [("train", 1), ("more", 1), ("more", 2), ("more", 3), ("more", None)]
    first.metrics({"step": 2})
    assert rows(tmp_path)[-1] == ("train", 2)
    assert "文" in path.read_text("utf-8")


def test_the_log_has_a_date_a_line(tmp_path: Path) -> None:
    log(tmp_path, "one")
    log(tmp_path, "two")
    lines = (tmp_path / "log.txt").read_text("utf-8").splitlines()
    assert [line[20:] for line in lines] == ["one", "two"]


def test_other_ranks_are_silent_but_hear_a_signal(
    stop: StopRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    listener = Listener(stop)
    listener.say("something")
    assert not listener.stopping
    stop.note(10)
    assert listener.stopping
    assert list(listener.track("ab", "reading")) == ["a", "b"]  # the ranks agree on where to stop
    assert capsys.readouterr().out == ""
