"""Named layouts: the files of published data sets, and what stands in which of their columns.

Each is what one would write under `data` by hand, the files named within the folder `path`. Where the
published test labels are kept by a benchmark (GLUE, CLUE, CMRC 2018), the published dev rows are what is
scored (`test`), and no epoch is chosen by them: `dev` is 0, the last epoch counts, as in most papers. A share
of the training rows (`dev: 0.05`) chooses epochs without a look at what is scored.
"""

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any, Literal, TypeAlias

Layout: TypeAlias = Literal[
    "cola",
    "sst2",
    "mrpc",
    "msr_paraphrase",
    "stsb",
    "qqp",
    "mnli",
    "qnli",
    "rte",
    "chnsenticorp",
    "thucnews",
    "thucnews_titles",
    "lcqmc",
    "bq",
    "xnli",
    "tnews",
    "ocnli",
    "cmrc2018",
    "drcd",
    "msra_ner",
    "cluener",
    "cmeee",
    "chip_sts",
]

TSV = {"name": "csv", "delimiter": "\t", "quotes": False}  # also where the name ends in .txt
PAIR = {"text": "sentence1", "second": "sentence2"}
TITLES = [
    "finance",
    "realty",
    "stocks",
    "education",
    "science",
    "society",
    "politics",
    "sports",
    "game",
    "entertainment",
]


def _plain(*columns: str) -> dict[str, Any]:
    """A table with tabs and without names of columns."""
    return {"reader": {**TSV, "columns": columns}}


def _files(train: str, dev: str | float, test: str) -> dict[str, Any]:
    return {"path": train, "dev": dev, "test": test}


GLUE = _files("train.tsv", 0.0, "dev.tsv") | {"reader": TSV}
ALL_THREE = _files("train.tsv", "dev.tsv", "test.tsv")

LAYOUTS: Mapping[str, Mapping[str, Any]] = {
    # GLUE (arXiv 1804.07461): the folders of its download script.
    "cola": GLUE | _plain("source", "label", "mark", "sentence") | {"text": "sentence"},
    "sst2": GLUE | {"text": "sentence"},
    "mrpc": GLUE | {"text": "#1 String", "second": "#2 String", "label": "Quality"},
    "stsb": GLUE | PAIR | {"value": "score"},
    "qqp": GLUE  # three rows of its training file are cut off
    | {"text": "question1", "second": "question2", "label": "is_duplicate", "invalid": "reject"},
    "mnli": GLUE
    | PAIR
    | {"label": "gold_label", "test": "dev_matched.tsv", "others": {"mismatched": "dev_mismatched.tsv"}},
    "qnli": GLUE | {"text": "question", "second": "sentence"},
    "rte": GLUE | PAIR,
    # The Microsoft research paraphrase corpus as first published, of which GLUE made MRPC.
    "msr_paraphrase": _files("msr_paraphrase_train.txt", 0.0, "msr_paraphrase_test.txt")
    | {"reader": TSV, "text": "#1 String", "second": "#2 String", "label": "Quality"},
    # What the HFL fine-tunes on (arXiv 1906.08101): the forms that its repository ships or points to.
    "chnsenticorp": ALL_THREE | {"reader": TSV, "text": "text_a"},
    "thucnews": _files("cnews.train.txt", "cnews.val.txt", "cnews.test.txt") | _plain("label", "text"),
    "thucnews_titles": _files("train.txt", "dev.txt", "test.txt")
    | _plain("text", "label")
    | {"names": {str(number): name for number, name in enumerate(TITLES)}},
    "lcqmc": ALL_THREE | _plain("text", "second", "label") | {"second": "second"},
    "bq": ALL_THREE | _plain("text", "second", "label") | {"second": "second"},
    "xnli": _files(
        "XNLI-MT-1.0/multinli/multinli.train.zh.tsv", "XNLI-1.0/xnli.dev.tsv", "XNLI-1.0/xnli.test.tsv"
    )
    | {
        "reader": TSV,
        "text": ["premise", "sentence1"],
        "second": ["hypo", "sentence2"],
        "label": ["label", "gold_label"],
        "only": {"language": "zh"},
        "names": {name: name for name in ("contradiction", "entailment", "neutral")}
        | {"contradictory": "contradiction"},
    },
    "cmrc2018": _files("cmrc2018_train.json", "cmrc2018_trial.json", "cmrc2018_dev.json")
    | {"reader": "squad"},
    "drcd": _files("DRCD_training.json", "DRCD_dev.json", "DRCD_test.json") | {"reader": "squad"},
    "msra_ner": _files("msra_train_bio.txt", 0.0, "msra_test_bio.txt") | {"reader": "token_columns"},
    # CLUE (arXiv 2004.05986).
    "tnews": _files("train.json", 0.0, "dev.json") | {"text": "sentence", "label": "label_desc"},
    "ocnli": _files("train.50k.json", 0.0, "dev.json") | PAIR | {"without_label": ["-"]},
    "cluener": _files("train.json", 0.0, "dev.json") | {"reader": "spans"},
    # CBLUE (arXiv 2106.08087).
    "cmeee": _files("CMeEE_train.json", 0.0, "CMeEE_dev.json") | {"reader": "spans"},
    "chip_sts": _files("CHIP-STS_train.json", 0.0, "CHIP-STS_dev.json")
    | {"text": "text1", "second": "text2"},
}


ENDS = (".tsv", ".csv", ".txt", ".json", ".jsonl", ".gz", ".zst", ".bz2", ".xz", ".parquet", ".arrow")


def laid_out(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """What is given under `data`, with what its `layout` adds to it; what is given counts.

    A `path` that names a file (or several) is one, and `dev` and `test` are then as given.
    """
    layout, path = str(given.get("layout")), given.get("path")
    if layout not in LAYOUTS or not isinstance(path, str):
        return given
    added = dict(LAYOUTS[layout])
    train = added.pop("path")
    if PurePath(path).suffix.lower() in ENDS or "package:" in path:
        for key in ("dev", "test", "others"):
            added.pop(key, None)
        return {**added, **given, "layout": None}
    inside = {key: _inside(path, found) for key, found in added.items() if key in ("dev", "test", "others")}
    return {**added, **inside, **given, "path": _inside(path, train), "layout": None}


def _inside(folder: str, name: Any) -> Any:  # noqa: ANN401 - a file, several by name, or a share
    if isinstance(name, Mapping):
        return {key: _inside(folder, each) for key, each in name.items()}
    return f"{folder.rstrip('/')}/{name}" if isinstance(name, str) else name
