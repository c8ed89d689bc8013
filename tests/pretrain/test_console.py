"""What a run says: on a terminal, into a file, into its folder."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from corpora.errors import Interrupted
from pretrain.console import Listener, RunReporter, log
from pretrain.signals import StopRequest

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
    monkeypatch.setattr("pretrain.console.time.monotonic", lambda: next(clock))
    list(make().track(range(1, 7), "reading", unit="rows"))
    assert said.getvalue() == "".join(f"  reading: {n}/6 rows\n" for n in (2, 4, 6))


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
