"""Which charts a stage that trained gets, out of its rows of `metrics.jsonl`."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

from corpora.stage import JSON
from pretrain.batch import KINDS
from pretrain.report.chart import Chart, Line, Point, percent, smoothed

HELD_OUT = "held_out_"
WARM_UP = "head_warmup_step"
Rows = Sequence[Mapping[str, JSON]]
DRAWN = frozenset(
    {
        *("stage", "step", "seconds", "epoch", "skipped", "loss", "mlm", "mlm_accuracy", "learning_rate"),
        *("gradient_norm", "real_tokens", "tokens_per_second", "steps_per_second", "share_of_peak"),
        *("loader_wait_share", "padding_share", "peak_memory", "mask_rate", "mask_rate_deviation"),
        *(f"{kind}_share" for kind in KINDS),
        *("divergence", "kl_delta", "kl_random", "kl_zero", "adversarial_steps"),
    }
)
"""Measures that have a place in a chart, or none."""


def charts(rows: Rows) -> Iterator[Chart]:
    """All of them, the most looked at first."""
    rows = [row for row in rows if WARM_UP not in row]  # all of them at step 0
    measured = {key for row in rows for key in row}
    terms = sorted(key for key in measured - {"mlm"} if f"{key}_accuracy" in measured)
    base = Line("unigram", points(rows, f"{HELD_OUT}unigram"), 7, dashed=True)
    yield Chart("Loss", [*_loss(rows, "mlm"), base], note="nats a token; training smoothed")
    yield Chart("Right at positions to predict", list(_accuracy(rows)), percent, least=0)
    names = sources(rows)
    for unit, word in (("", "tokens"), ("_word", "whole words")) if names else ():
        lines = list(_by_source(rows, names, unit))
        yield Chart(f"Right by source: {word}", lines, percent, least=0, note="held out; dashed: unigram")
    if names:
        lines = [Line(n, points(rows, f"{HELD_OUT}mlm/{n}"), i) for i, n in enumerate(names)]
        yield Chart("Loss by source", lines, note="held out, nats a token")
    for name in (name for name in terms if not name.startswith(HELD_OUT)):
        yield Chart(f"{name.upper()}: right", list(_term(rows, name)), percent)
        yield Chart(f"{name.upper()}: loss", list(_loss(rows, name)), note="nats; training smoothed")
    yield Chart("What the perturbation does", list(_perturbation(rows)), least=0, note="symmetric KL, nats")
    yield Chart("Learning rate", [Line("learning rate", points(rows, "learning_rate"))], least=0)
    yield Chart("Gradient norm", list(_noisy("before clipping", points(rows, "gradient_norm"))), least=0)
    yield Chart("Real tokens a second", list(_noisy("tokens/s", points(rows, "tokens_per_second"))), least=0)
    yield Chart("Use of the machine", list(_machine(rows)), percent, least=0)
    yield Chart("Mask rate of rows", list(_mask_rate(rows)), percent, note="mean, and one standard deviation")
    yield Chart("What stands at positions to predict", list(_kinds(rows)), percent, least=0)
    for name in sorted(measured - DRAWN - {*terms, *(f"{term}_accuracy" for term in terms)}):
        if not name.startswith(HELD_OUT):  # whatever else is measured, now or in future
            yield Chart(name.replace("_", " "), list(_noisy(name, points(rows, name))))


def points(rows: Iterable[Mapping[str, JSON]], key: str) -> list[Point]:
    """The finite values of a measure over the steps."""
    found = ((row["step"], row[key]) for row in rows if "step" in row and key in row)
    return [(step, v) for step, v in found if isinstance(v, int | float) and math.isfinite(v)]


def sources(rows: Rows) -> list[str]:
    """Names of the sources that were measured apart."""
    prefix = f"{HELD_OUT}mlm/"
    return sorted({key.removeprefix(prefix) for row in rows for key in row if key.startswith(prefix)})


def _noisy(name: str, raw: Sequence[Point], colour: int = 0) -> Iterator[Line]:
    """A measure of single steps: pale as it is, and smoothed."""
    if len(raw) > 50:
        yield Line(name, raw, colour, faint=True)
    yield Line(name, smoothed(raw), colour)


def _perturbation(rows: Rows) -> Iterator[Line]:
    yield from _noisy("learnt from", points(rows, "divergence"))
    names = {"kl_delta": "the perturbation", "kl_random": "a random one", "kl_zero": "dropout alone"}
    for colour, (key, name) in enumerate(names.items(), start=1):
        yield Line(name, points(rows, key), colour)


def _loss(rows: Rows, name: str) -> Iterator[Line]:
    yield from _noisy("training", points(rows, name))
    yield Line("held out", points(rows, f"{HELD_OUT}{name}"), 1)


def _accuracy(rows: Rows) -> Iterator[Line]:
    yield from _noisy("training, tokens", points(rows, "mlm_accuracy"))
    yield Line("held out, tokens", points(rows, f"{HELD_OUT}mlm_accuracy"), 1)
    yield Line("held out, whole words", points(rows, f"{HELD_OUT}mlm_word_accuracy"), 2)
    yield Line("unigram, tokens", points(rows, f"{HELD_OUT}unigram_accuracy"), 7, dashed=True)
    yield Line("copy, tokens", points(rows, f"{HELD_OUT}copy_accuracy"), 4, dashed=True)


def _by_source(rows: Rows, names: Sequence[str], unit: str) -> Iterator[Line]:
    for colour, name in enumerate(names):
        yield Line(name, points(rows, f"{HELD_OUT}mlm{unit}_accuracy/{name}"), colour)
        base = points(rows, f"{HELD_OUT}unigram{unit}_accuracy/{name}")
        yield Line(f"{name}, unigram", base, colour, dashed=True)


def _term(rows: Rows, name: str) -> Iterator[Line]:
    yield from _noisy("training", points(rows, f"{name}_accuracy"))
    yield Line("held out", points(rows, f"{HELD_OUT}{name}_accuracy"), 1)
    if name in ("sop", "nsp"):
        yield Line("chance", [(0, 0.5)], 7, dashed=True)


def _machine(rows: Rows) -> Iterator[Line]:
    yield from _noisy("of the measured matrix peak", points(rows, "share_of_peak"))
    yield Line("time waiting for data", points(rows, "loader_wait_share"), 1)
    yield Line("padding among positions", points(rows, "padding_share"), 2)


def _mask_rate(rows: Rows) -> Iterator[Line]:
    spread = [half for _, half in points(rows, "mask_rate_deviation")]
    yield Line("to predict, of the tokens of words", points(rows, "mask_rate"), 0, band=spread)


def _kinds(rows: Rows) -> Iterator[Line]:
    for colour, kind in enumerate(KINDS):
        drawn = points(rows, f"{kind}_share")
        if any(value for _, value in drawn):
            yield Line(
                {"mask": "[MASK]", "fallback": "random for want of a similar word"}.get(kind, kind),
                drawn,
                colour,
            )
