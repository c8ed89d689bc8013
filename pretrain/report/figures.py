"""The tables and the headline figures of the page."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from corpora.artefact import Artefact
from corpora.stage import JSON
from pretrain.report.brief import clock, thousands
from pretrain.report.curves import HELD_OUT, WARM_UP, Rows, points, sources

SHOWN_SKIPS = 20


@dataclass(frozen=True)
class Table:
    """Headings and rows; where `numbers`, all columns but the first are."""

    title: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    numbers: bool = True


def tiles(rows: Rows, steps: int | None) -> Iterator[tuple[str, str]]:
    """What a person asks first: how far, how good, how fast."""
    done, latest = max(row["step"] for row in rows), _latest(rows)
    yield f"{done:,}", f"of {steps:,} steps" if steps else "steps"
    if "loss" in latest:
        yield f"{latest['loss']:.3f}", "training loss"
    if f"{HELD_OUT}mlm_accuracy" in latest:
        costless = ((name, latest[f"{HELD_OUT}{name}_accuracy"]) for name in ("unigram", "copy"))
        beside = ", ".join(f"{name} {share:.1%}" for name, share in costless)
        yield f"{latest[f'{HELD_OUT}mlm_accuracy']:.1%}", f"of held-out tokens right ({beside})"
        yield f"{latest.get(f'{HELD_OUT}mlm_word_accuracy', 0):.1%}", "of held-out words right"
    if speeds := [value for _, value in points(rows, "tokens_per_second")]:
        yield thousands(sorted(speeds)[len(speeds) // 2]), "real tokens/s, median"
        tokens = sum(value for _, value in points(rows, "real_tokens"))
        yield thousands(tokens), "tokens read"
    if shares := [value for _, value in points(rows, "share_of_peak")]:
        yield f"{sorted(shares)[len(shares) // 2]:.0%}", "of the measured matrix peak, median"
    if "peak_memory" in latest:
        yield f"{latest['peak_memory'] / 1e9:.3g} GB", "most memory of a process"
    yield clock(_seconds(rows)), "at work"


def held_out(rows: Rows) -> Table | None:
    """The last measurement on held-out rows: sources by units, with both baselines."""
    last = next((row for row in reversed(rows) if f"{HELD_OUT}mlm" in row), None)
    if last is None:
        return None
    names = sources(rows)
    headings = ["", *_columns("token"), *_columns("word")]
    lines = [["all", *_figures(last, "")], *([name, *_figures(last, f"/{name}")] for name in names)]
    return Table(f"Held out, after step {last['step']:,}", headings, lines)


def _columns(unit: str) -> list[str]:
    return [f"{unit}s", f"nats a {unit}", "right", "unigram", "copy"]


def _figures(row: Mapping[str, JSON], ending: str) -> Iterator[str]:
    for unit, count in (("", "tokens"), ("_word", "words")):
        number = row.get(f"{HELD_OUT}{count}{ending}")
        yield "" if number is None else f"{number:,.0f}"
        loss = row.get(f"{HELD_OUT}mlm{unit}{ending}")
        yield "" if loss is None else f"{loss:.3f}"
        for name in ("mlm", "unigram", "copy"):
            share = row.get(f"{HELD_OUT}{name}{unit}_accuracy{ending}")
            yield "" if share is None else f"{share:.2%}"


def warm_up(rows: Rows) -> Table | None:
    """What was measured while the heads alone learnt."""
    found = [row for row in rows if WARM_UP in row]
    names = [key for key in found[0] if key not in {"stage", "step", "seconds", WARM_UP}] if found else []
    lines = [[f"{row[WARM_UP]:,}", *(f"{row.get(name, 0):.2%}" for name in names)] for row in found]
    headings = [name.removeprefix("head_").replace("_", " ") for name in names]
    return Table("The heads alone, before the first step", ["after", *headings], lines) if found else None


def skipped(rows: Rows) -> Table | None:
    """Steps that were not applied, the last ones."""
    found = [row for row in rows if "skipped" in row]
    lines = [[f"{row['step']:,}", f"{row['skipped']:,}"] for row in found[-SHOWN_SKIPS:]]
    title = f"Skipped steps: {len(found):,}" + (
        f", the last {SHOWN_SKIPS}" if len(found) > SHOWN_SKIPS else ""
    )
    return Table(title, ["step", "in a row"], lines) if found else None


def made(artefacts: Sequence[tuple[str, Artefact]]) -> Table:
    """The artefacts."""
    lines = [[name, artefact.summary, artefact.fingerprint] for name, artefact in artefacts]
    return Table("", ["stage", "what", "fingerprint"], lines, numbers=False)


def _latest(rows: Rows) -> dict[str, JSON]:
    """The newest value of every measure that is a number."""
    latest: dict[str, JSON] = {}
    for row in rows:
        latest |= {key: v for key, v in row.items() if isinstance(v, int | float) and math.isfinite(v)}
    return latest


def _seconds(rows: Rows) -> float:
    """Time at work over all attempts: each begins to count anew."""
    total, before = 0.0, 0.0
    for row in rows:
        now = row.get("seconds", before)
        total += before if now < before else 0.0
        before = now
    return total + before
