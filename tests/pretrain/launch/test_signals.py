"""A signal asks; only an impatient second Ctrl-C ends at once."""

import os
import signal

import pytest

from pretrain.launch import signals
from pretrain.launch.signals import StopRequest, listening


@pytest.fixture
def exits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Exit codes of ends at once."""
    codes: list[int] = []
    monkeypatch.setattr(os, "_exit", codes.append)
    return codes


@pytest.mark.parametrize("name", signals.ASKING)
def test_a_signal_is_noted_and_the_old_handlers_come_back(name: str) -> None:
    number = getattr(signal, name)
    before = [signal.getsignal(getattr(signal, one)) for one in signals.ASKING]
    with listening() as stop:
        assert not stop
        signal.raise_signal(number)
        assert stop
        signal.raise_signal(signal.SIGTERM)
        assert stop.name == name
    assert [signal.getsignal(getattr(signal, one)) for one in signals.ASKING] == before


def test_handlers_come_back_after_an_error() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyError), listening():
        raise KeyError
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_second_interrupt_ends_at_once_but_only_later(
    exits: list[int], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = [100.0]
    monkeypatch.setattr("pretrain.launch.signals.time.monotonic", lambda: clock[0])
    stop = StopRequest()
    stop.note(signal.SIGINT)
    clock[0] += 0.5
    stop.note(signal.SIGINT)
    clock[0] += 10
    stop.note(signal.SIGTERM)
    assert exits == []
    stop.note(signal.SIGINT)
    assert exits == [75]
    assert "what was saved before is intact" in capsys.readouterr().err


def test_an_interrupt_long_after_another_signal_is_the_first_of_its_kind(exits: list[int]) -> None:
    stop = StopRequest()
    for number in (signal.SIGTERM, signal.SIGTERM, signal.SIGINT, signal.SIGTERM):
        stop.note(number)
    assert (exits, stop.name) == ([], "SIGTERM")
