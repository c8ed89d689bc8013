"""Figures from papers, to be put beside ours where network, task and method are the same.

A figure is comparable only as far as the papers' sets are: each names its split, its protocol and its source.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from corpora.stage import JSON

FREELB, SMART = "arXiv:1909.11764", "arXiv:1911.03437"
MACBERT, ROBERTA, ELECTRA = "arXiv:1906.08101v3", "arXiv:1907.11692", "google-research/electra"
GLUE = ("mnli", "qnli", "qqp", "rte", "sst2", "mrpc", "cola", "stsb")

SECOND_HAND = "GLUE dev, as quoted by others: the paper's own table was not read"


@dataclass(frozen=True)
class Figure:
    """One published score, times 100."""

    network: str  # as normalised by `name_of`
    task: str
    method: str  # of adversarial training, "" where it is plain
    value: float
    said: str  # measure, split and protocol
    source: str


def figures() -> Iterator[Figure]:
    """All that are known."""
    large: dict[str, Sequence[float]] = {
        "": (90.2, 94.7, 92.2, 86.6, 96.4, 90.9, 68.0, 92.4),
        "pgd": (90.53, 94.87, 92.49, 87.41, 96.44, 90.93, 69.67, 92.43),
        "free_at": (90.02, 94.66, 92.48, 86.69, 96.10, 90.69, 68.80, 92.40),
        "freelb": (90.61, 94.98, 92.60, 88.13, 96.79, 91.42, 71.12, 92.67),
        "smart": (91.1, 95.6, 92.4, 92.0, 96.9, 89.2, 70.6, 92.8),
    }
    for method, values in large.items():
        source = {"": ROBERTA, "smart": SMART}.get(method, FREELB)
        said = SECOND_HAND if method else "GLUE dev, median of 5"
        yield from _row("roberta-large", GLUE, method, values, said, source)
    base = (87.6, 92.8, 91.9, 78.7, 94.8, 90.2, 63.6, 91.2)
    yield from _row("roberta-base", GLUE, "", base, "GLUE dev, median of 5", ROBERTA)
    bert: dict[str, Sequence[float]] = {
        "": (84.5, 91.1, 63.5, 92.9, 84.1, 54.7, 89.2),
        "smart": (85.6, 91.7, 71.2, 93.0, 87.7, 59.1, 90.0),
    }
    tasks = ("mnli", "qnli", "rte", "sst2", "mrpc", "cola", "stsb")
    for method, figures_of in bert.items():
        yield from _row("bert-base", tasks, method, figures_of, SECOND_HAND, SMART)
    electra = (88.8, 93.2, 91.5, 82.7, 95.1, 89.5, 67.7, 91.2)
    small = (81.3, 88.4, 89.0, 66.7, 91.2, 88.0, 57.0, 87.5)
    yield from _row("electra-base", GLUE, "", electra, "GLUE dev, median", ELECTRA)
    yield from _row("electra-small", GLUE, "", small, "GLUE dev, median", ELECTRA)
    yield from _chinese()


def _chinese() -> Iterator[Figure]:
    """Test accuracy, the mean of ten runs where it is printed, else their best."""
    tasks = ("xnli", "lcqmc", "bq")
    said = "test, best of 10"
    yield from _row("bert-base-chinese", tasks, "", (77.8, 86.9, 84.8), said, MACBERT)
    yield from _row("chinese-roberta-wwm-ext", ("xnli",), "", (78.3,), "test, mean of 10", MACBERT)
    yield from _row("chinese-roberta-wwm-ext", ("lcqmc", "bq"), "", (86.4, 85.0), said, MACBERT)
    yield from _row("chinese-macbert-base", tasks, "", (78.8, 86.5, 84.9), "test, mean of 10", MACBERT)
    yield from _row("chinese-macbert-base", ("chnsenticorp",), "", (95.6,), said, MACBERT)
    yield from _row("chinese-macbert-large", ("xnli",), "", (80.6,), "test, mean of 10", MACBERT)
    yield from _row("chinese-macbert-large", ("lcqmc", "bq"), "", (87.6, 85.6), said, MACBERT)
    dev = "dev, mean of 10"
    yield from _row("chinese-macbert-base", ("tnews", "ocnli"), "", (57.1, 76.5), dev, MACBERT)


def find(network: str, task: str, method: str) -> Figure | None:
    """The figure of a network on a task, fine-tuned by a method; None where none is known."""
    wanted = (name_of(network), task, method)
    return next((one for one in figures() if (one.network, one.task, one.method) == wanted), None)


def name_of(place: str) -> str:
    """A hub name or folder as the papers call the network; "" where it is none that is known.

    >>> name_of("hfl/chinese-macbert-base"), name_of("google-bert/bert-base-uncased"), name_of("/my/model")
    ('chinese-macbert-base', 'bert-base', '')
    """
    word = place.rstrip("/").rpartition("/")[2].lower()
    word = re.sub(r"^facebookai-|^google-|-(uncased|cased|discriminator)$", "", word)
    word = {"chinese-bert-base": "bert-base-chinese"}.get(word, word)
    return word if word in {figure.network for figure in figures()} else ""


def task_of(data: JSON) -> str:
    """The task that labelled rows belong to, by the names and paths in their settings; "" if by none.

    >>> task_of({"path": "glue/SST-2/train.tsv"})
    'sst2'
    """
    tasks = sorted({figure.task for figure in figures()}, key=len, reverse=True)
    words = [
        re.sub(r"[^a-z0-9]", "", word) for text in _texts(data) for word in re.split(r"[/.]", text.lower())
    ]
    known = {**{task: task for task in tasks}, "stsb": "stsb", "chnsenticorphtl": "chnsenticorp"}
    return next((known[word] for word in words if word in known), "")


def _row(
    network: str, tasks: Sequence[str], method: str, values: Sequence[float], said: str, source: str
) -> Iterator[Figure]:
    for task, value in zip(tasks, values, strict=True):
        yield Figure(network, task, method, value, said, source)


def _texts(value: JSON) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)
