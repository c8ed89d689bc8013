"""Opening what others saved: whatever is wrong with a folder or a download is one line, with what to do."""

import contextlib
import json
import pickle
from collections.abc import Collection, Iterator
from pathlib import Path

from corpora.errors import BadData, MaskwrightError
from tokenization.pretrained import Pretrained

SHOWN = 6  # names of tensors or files in a message


@contextlib.contextmanager
def opening(place: Pretrained) -> Iterator[None]:
    """Around what reads a network's configuration or weights from `place`.

    Raises:
        BadData: the folder has no configuration or lacks a shard, or something in it cannot be read.
    """
    try:
        if folder := place.folder():
            _check(folder)
        yield
    except MaskwrightError:
        raise
    except Exception as error:  # of pickle, zip, safetensors, JSON and the file system
        raise BadData(f"cannot load a network from {place}: {reason(error)}") from error


def reason(error: Exception) -> str:
    """One line; without advice to open the door."""
    if isinstance(error, pickle.UnpicklingError):
        return "its .bin file is damaged, or holds more than weights and was not run; get it as safetensors"
    if "trust_remote_code" in str(error):
        return "its network is code that comes with it, which is not run here"
    return " ".join(str(error).split())[:300]


def few(names: Collection[str]) -> str:
    """Some of the names, and how many more there are."""
    some = ", ".join(list(names)[:SHOWN])
    return f"{some} and {len(names) - SHOWN} more" if len(names) > SHOWN else some


def _check(folder: Path) -> None:
    """Say what `transformers` would not, or only in many words: the configuration or a shard is missing."""
    if not (folder / "config.json").is_file():
        inside = sorted(path.parent for path in folder.glob("*/config.json"))
        networks = [path for path in inside if "model_type" in (path / "config.json").read_text("utf-8")]
        hint = f"; give {networks[0]}, which has one" if networks else ""
        raise BadData(f"{folder} has no config.json, which says what network its weights are of{hint}")
    for index in sorted(folder.glob("*.index.json")):
        shards = {str(name) for name in json.loads(index.read_text("utf-8"))["weight_map"].values()}
        if lost := sorted(name for name in shards if not (folder / name).is_file()):
            raise BadData(f"{index} names {few(lost)}, not there: the download or copy is incomplete")
