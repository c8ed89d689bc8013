"""A fine-tuned network as others find it: its folder, what it was taught, what it finds in further rows."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from pydantic import ValidationError

from corpora.encodings import Encoding
from corpora.errors import BadData, UsageError
from corpora.labelled import LabelledData, Row
from corpora.lines import lines
from corpora.paths import locate
from corpora.places import Encoded
from corpora.settings import Settings
from corpora.stage import JSON
from pretrain.finetuning import heads
from pretrain.finetuning.loop import predict
from pretrain.finetuning.settings import Finetune
from pretrain.finetuning.tasks import Classification, Regression, SpanAnswers, Tagging, Task
from pretrain.networks.architectures import positions
from pretrain.networks.opening import opening
from pretrain.networks.weights import quiet_transformers
from tokenization.pretrained import Pretrained, open_pretrained
from tokenization.tokenizer import UNSET
from tokenization.vocabulary import Tokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedModel

FILE = "task.json"
FORM = ("reader", "text", "second", "value", "tags", "answers", "id", "encoding")
"""What of the settings of labelled data says how a file is read, not which one."""

AT_ONCE = 1024
"""Rows that are encoded together."""


class Taught(Settings):
    """What a fine-tuned network was taught, beside its weights."""

    task: Task
    """Its task."""

    data: dict[str, JSON]
    """How the file of its rows was read."""

    @classmethod
    def by(cls, config: Finetune) -> "Taught":
        """What runs of these settings teach."""
        return cls(task=config.task, data=config.data.model_dump(mode="json", include=set(FORM)))

    def save(self, folder: Path) -> None:
        """Write it into the network's folder."""
        text = json.dumps(self.model_dump(mode="json"), ensure_ascii=False, indent=2, sort_keys=True)
        (folder / FILE).write_text(text + "\n", "utf-8")


@dataclass(frozen=True)
class Released:
    """A fine-tuned network, ready to be asked."""

    network: "PreTrainedModel"
    tokenizer: Tokenizer
    taught: Taught
    names: tuple[str, ...]  # of what it tells apart
    length: int  # tokens it reads at once

    def read(self, path: str, **given: str) -> tuple[Row, ...]:
        """The rows of a file, which need no labels; columns and encoding are given where they differ.

        Raises:
            BadData: the file is missing, damaged, lacks a column or has no rows.
            UsageError: a second text is asked for, and the network was taught single ones.
        """
        taught = self.taught.data
        if given.get("second") and "second" in taught and taught["second"] is None:
            raise UsageError(
                f"--second {given['second']}: this network reads one text a row; leave that out, or take a "
                "network that was taught pairs"
            )
        data = LabelledData.model_validate({**taught, **given, "path": path})
        return data.unlabelled(path)

    def read_lines(self, path: str, encoding: Encoding | None = None) -> tuple[Row, ...]:
        """The lines of a file, a text each; blank ones are left out. Encoded as what was taught, if not told.

        Raises:
            BadData: the file is missing or damaged, or has no text; or the task reads two texts a row.
        """
        if isinstance(self.taught.task, SpanAnswers) or self.taught.data.get("second"):
            raise BadData(f"{path}: this network reads two texts a row: give a table, such as .jsonl or .tsv")
        known: Encoding = encoding or self.taught.data.get("encoding", "utf-8")
        rows = tuple(
            Row(text, identity=f"{place.name}:{number}")
            for each in locate(path)
            for place in each.places()
            for number, text in lines(Encoded(place, known))
            if text.strip()
        )
        if not rows:
            raise BadData(f"{path} has no text")
        return rows

    def find(self, rows: Sequence[Row]) -> Iterator[tuple[Row, dict[str, JSON], str]]:
        """Yield each row with all that is found in it, and with the answer as a person reads it."""
        task = self.taught.task
        for start in range(0, len(rows), AT_ONCE):
            some = rows[start : start + AT_ONCE]
            examples = task.encode(some, (), self.tokenizer, self.length)
            examples = replace(examples, names=self.names)
            said = predict(self.network, examples, task)
            answers, found = task.answers(said, examples), task.predictions(said, examples)
            for row, one, answer in zip(some, found, answers, strict=True):
                yield row, one, task.shown(answer, row, self.names)


def release(place: Pretrained, device: torch.device) -> Released:
    """Open a fine-tuned network: a folder that the finetune stage made, or any of the same task on the hub.

    Raises:
        BadData: it has no tokenizer, no weights of a head, or a head of no task that we know.
    """
    config = heads.open_config(place, {})
    taught = _taught(place, config)
    tokenizer = heads.open_tokenizer(place, config, None)
    network = _network(place, taught.task.head).to(device)
    names = tuple(name for _, name in sorted((config.id2label or {}).items()))
    length = min(tokenizer.model_max_length, positions(config))
    if length >= UNSET:
        raise BadData(
            f"{place}: neither network nor tokenizer says how long a row may be; write model_max_length"
        )
    return Released(network.eval(), tokenizer, taught, names, length)


def _taught(place: Pretrained, config: "PreTrainedConfig") -> Taught:
    folder = place.folder()
    if folder and (folder / FILE).is_file():
        try:
            return Taught.model_validate_json((folder / FILE).read_bytes())
        except ValidationError as error:
            problem = error.errors()[0]
            where = ".".join(map(str, problem["loc"]))
            raise BadData(f"{folder / FILE}: {where}: {problem['msg']}; fine-tune again") from error
    architecture = (config.architectures or ["none"])[0]
    tasks: dict[str, Task] = {
        "SequenceClassification": Regression() if len(config.id2label or {}) == 1 else Classification(),
        "TokenClassification": Tagging(),
        "QuestionAnswering": SpanAnswers(),
    }
    for end, task in tasks.items():
        if architecture.endswith(f"For{end}"):
            return Taught(task=task, data={"second": "question"} if end == "QuestionAnswering" else {})
    raise BadData(
        f"{place} is a {architecture}, which answers no task: give what the finetune stage made, "
        f"or a network that ends in {', '.join(f'For{end}' for end in tasks)}"
    )


def _network(place: Pretrained, head: str) -> Any:  # noqa: ANN401 - a class of transformers
    import transformers

    opener = partial(
        getattr(transformers, head).from_pretrained, dtype=torch.float32, output_loading_info=True
    )
    with opening(place), quiet_transformers():
        network, info = open_pretrained(place, opener)
    if missing := sorted(info["missing_keys"]):
        raise BadData(
            f"{place} has no weights of {missing[0]}: it was not fine-tuned; run its finetune stage"
        )
    return network
