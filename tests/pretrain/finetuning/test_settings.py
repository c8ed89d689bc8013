"""Settings of the stage: what a recipe may say, and what it may not."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from pretrain.finetuning.settings import Finetune
from pretrain.finetuning.tasks import Classification

DATA = {"path": "rows.tsv"}


def test_a_task_may_be_named_by_a_bare_word() -> None:
    assert Finetune.model_validate({"data": DATA, "task": "classification"}).task == Classification()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"seeds": []}, "at least one seed"),
        ({"seeds": [1, 1]}, "names one twice"),
        ({"seeds": [-1]}, "greater than or equal to 0"),
        ({"beside": ["tfidf", "tfidf"]}, "names one twice"),
        ({"beside": ["svm"]}, "'random_init' or 'tfidf'"),
        ({"data": {**DATA, "test": 0.0}}, "needs held-out rows"),
        ({"task": "taging"}, "'tagging'"),
        ({"task": "tagging", "beside": ["tfidf"]}, "knows classes alone"),
        ({"task": {"task": "tagging", "metrics": []}}, "name at least one"),
        ({"model": "release", "from_pretrained": "a/b"}, "says what to start from; got both"),
        ({"patience": 1, "data": {**DATA, "dev": 0.0}}, "patience 1 needs dev rows to look at"),
        ({"layer_decay": 1.1}, "less than or equal to 1"),
        ({"rows": 1}, "greater than or equal to 2"),
        ({"epoch": 3}, "Extra inputs"),
    ],
)
def test_what_cannot_be_done_is_refused_with_the_reason(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Finetune.model_validate({"data": DATA, **settings})


def test_the_labelled_files_enter_the_fingerprint(tmp_path: Path) -> None:
    (tmp_path / "rows.tsv").write_text("text\tlabel\n")
    config = Finetune.model_validate({"data": {"path": str(tmp_path / "rows.tsv")}})
    assert list(config.outside()) == [tmp_path / "rows.tsv"]


def test_the_files_of_a_starting_checkpoint_enter_it_too(tmp_path: Path) -> None:
    (tmp_path / "rows.tsv").write_text("text\tlabel\n")
    start = tmp_path / "start"
    start.mkdir()
    for name in ("config.json", "model.safetensors", "notes.md"):
        (start / name).write_text("")
    config = Finetune.model_validate({"data": {"path": str(tmp_path / "rows.tsv")}, "start": str(start)})
    assert list(config.outside())[1:] == [start / "config.json", start / "model.safetensors"]
