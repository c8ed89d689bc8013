"""What of a stage's settings may change while it is half done, and what a draft was last made with.

The note is a part of the draft alone, so that finished artefacts do not differ by it.
"""

from collections.abc import Mapping
from pathlib import Path

from corpora.artefact import Draft
from corpora.reporter import Reporter
from corpora.stage import JSON, StageSettings, asides_of
from pretrain import notes
from pretrain.reading.difference import difference

PART = "asides.json"


def note(config: StageSettings, out: Draft, reporter: Reporter) -> None:
    """Say what changed since this draft was worked on last, and note how it is now."""
    now, before = _asides(config), out.read_json(PART) if out.has(PART) else None
    if before is not None:
        for line in difference(before, now, reporter.stage):
            reporter.say(f"{line} from here on")
    if now != before:
        out.write_json(PART, now)


def changed(config: StageSettings, draft: Path, stage: str) -> list[str]:
    """The same for a draft that is only looked at."""
    before: Mapping[str, JSON] = next(iter(notes.rows(draft / PART)), {})
    return difference(before, _asides(config), stage) if before else []


def _asides(config: StageSettings) -> dict[str, JSON]:
    return config.model_dump(mode="json", include=set(asides_of(type(config))))
