"""`maskwright predict MODEL FILE`: what a fine-tuned network finds in further rows."""

import argparse
import io
import json
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from corpora.errors import UsageError

if TYPE_CHECKING:
    from corpora.artefact import Artefact
    from corpora.labelled import Row
    from corpora.stage import JSON
    from pretrain.finetuning.released import Released
    from tokenization.pretrained import Pretrained

NEAR = 0.8  # how alike a word and the name of a run are, of which the other may have been meant


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "model",
        metavar="MODEL",
        help="a fine-tuned network: its folder, a run that made one, the run's name, or a name on the hub",
    )
    parser.add_argument(
        "file",
        metavar="FILE",
        help="rows of the form it was taught with, labels not needed; .txt: a text a line",
    )
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="where to write: .jsonl or .tsv (the terminal)"
    )
    parser.add_argument("--text", metavar="COLUMN", help="the column of the text, or of the passage")
    parser.add_argument(
        "--second", metavar="COLUMN", help="the column of the second text, or of the question"
    )
    parser.add_argument(
        "--encoding", choices=("utf-8", "gb18030", "auto"), help="of the file (that of what it was taught)"
    )
    parser.add_argument("--stage", help="the stage that fine-tuned it, where a run has several")
    parser.add_argument(
        "--device", choices=("auto", "cpu", "cuda"), default="auto", help="where to work (auto)"
    )
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where runs live (runs)")


def act(given: argparse.Namespace, console: Console) -> None:
    """Print what is found, a line a row, or write it to a file in one step."""
    from pretrain import notes
    from pretrain.finetuning.material import open_device
    from pretrain.finetuning.released import release
    from pretrain.finetuning.settings import FinetuneSpeed

    if given.out:
        _check_out(given.out, Path(given.file))
    place = _place(given.model, given.runs, given.stage)
    model = release(place, open_device(FinetuneSpeed(device=given.device)))
    rows = _rows(model, given)
    lines = io.StringIO()
    if given.out and given.out.suffix == ".tsv":
        pairs = any(row.second is not None for row in rows)
        lines.write("\t".join(["answer", "text", *(["second"] if pairs else [])]) + "\n")
    for row, found, shown in model.find(rows):
        if given.out is None:
            console.print(_record(row, found), markup=False, highlight=False)
        elif given.out.suffix == ".tsv":
            lines.write(_columns(row, shown))
        else:
            lines.write(_record(row, found) + "\n")
    if given.out:
        notes.write(given.out, lines.getvalue())
        console.print(f"{len(rows):,} rows: {given.out}", markup=False, highlight=False)


def _check_out(out: Path, file: Path) -> None:
    """Refuse, before any work, what cannot be written, or should not.

    Raises:
        UsageError: the name or the folder will not do, or it is the file that is read.
    """
    if out.suffix not in (".jsonl", ".tsv") or not out.absolute().parent.is_dir() or out.is_dir():
        raise UsageError(f"--out {out}: give a name that ends in .jsonl or .tsv, in a folder that there is")
    if out.exists() and file.exists() and out.samefile(file):
        raise UsageError(f"--out {out} is the file that is read, and would be lost; give another name")


def _rows(model: "Released", given: argparse.Namespace) -> "tuple[Row, ...]":
    """The rows of the file."""
    lines, columns = Path(given.file.removesuffix(".gz")).suffix == ".txt", given.text or given.second
    if lines and columns and model.taught.data.get("reader") is None:
        raise UsageError(
            f"{given.file} is read a text a line, so there is no column {columns!r}: leave that out, or "
            "give a table, such as .jsonl, .csv or .tsv"
        )
    if lines and not columns:
        return model.read_lines(given.file, given.encoding)
    told = {key: getattr(given, key) for key in ("text", "second", "encoding")}
    return model.read(given.file, **{key: word for key, word in told.items() if word})


def _place(name: str, runs: Path, stage: str | None) -> "Pretrained":
    """The folder of a network, from what names it.

    Raises:
        UsageError: a folder is no network, and none of a run that made one.
    """
    from corpora.manifest import MANIFEST
    from pretrain.running.folders import RECIPE, made, the_only
    from tokenization.pretrained import Pretrained

    for folder in (Path(name), runs / name):
        if (folder / RECIPE).is_file():
            return Pretrained(path=str(_score(folder, stage).folder("model")))
        if stage is not None and folder.is_dir():
            raise UsageError(f"--stage {stage}: {folder} is no folder of a run; leave --stage out")
        if (folder / "config.json").is_file():
            return Pretrained(path=str(folder))
        if (folder / MANIFEST).is_file():
            return Pretrained(path=str(the_only(folder, "score").folder("model")))
        if folder.is_dir():
            raise UsageError(f"{folder} holds no network (no config.json), nor is it a run that made one")
    known = [run.name for run in made(runs)]
    if known and (near := get_close_matches(name, known, n=1, cutoff=NEAR)):
        raise UsageError(
            f"there is no run {name!r} in {runs}, but {near[0]!r}; for a network of that name on the hub, "
            "fetch it and give its folder"
        )
    return Pretrained(path=name)


def _score(run: Path, stage: str | None) -> "Artefact":
    """What a stage of a run fine-tuned; without a stage, the only one that did."""
    from pretrain.running.folders import chosen, results

    found = {name: made for name, made in results(run).items() if made.kind == "score"}
    return found[chosen(found, stage, run, "fine-tuned networks")]


def _record(row: "Row", found: "dict[str, JSON]") -> str:
    named = {"id": row.id} if row.id else {"row": row.identity}
    texts = {"text": row.text} if row.second is None else {"text": row.text, "second": row.second}
    return json.dumps({**named, **found, **texts}, ensure_ascii=False)


def _columns(row: "Row", shown: str) -> str:
    cells = [shown, row.text, *([row.second] if row.second is not None else [])]
    return "\t".join(_escape(cell) for cell in cells) + "\n"


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
