"""What the name of something pre-trained stands for: a folder here, or a name on the Hugging Face hub."""

from collections.abc import Callable, Collection
from pathlib import Path
from typing import TypeVar

from corpora.errors import BadData
from corpora.settings import Settings

Opened = TypeVar("Opened")

REACHED_WITHIN = 10  # seconds; a download would try for half a minute, and say so again and again


class Pretrained(Settings):
    """Something pre-trained, here or on the Hugging Face hub.

    >>> str(Pretrained(path="bert-base-chinese", revision="8f23c25"))
    'bert-base-chinese@8f23c25'
    """

    path: str
    """A folder, or a name on the Hugging Face hub."""

    revision: str | None = None
    """Which one on the hub: a commit, a tag or a branch. A commit alone means the same bytes for ever; left
    out, it is what this machine fetched before, or else the newest."""

    def __str__(self) -> str:
        """As in messages."""
        return f"{self.path}@{self.revision}" if self.revision else self.path

    def folder(self) -> Path | None:
        """The folder; None if it can only be a hub name.

        Raises:
            BadData: the path is written as a folder's, and there is none; or a revision of a folder is asked.
        """
        folder = folder_of(self.path)
        if folder and self.revision:
            raise BadData(f"{self.path} is a folder, which has no revision {self.revision!r}; leave that out")
        return folder

    def files(self, suffixes: Collection[str]) -> list[Path]:
        """The files of the folder that end so, sorted; none of a name on the hub."""
        folder = self.folder()
        return sorted(path for path in folder.iterdir() if path.suffix in suffixes) if folder else []


def folder_of(origin: str) -> Path | None:
    """The folder that `origin` names; None if it can only be a hub name, such as `bert-base-chinese`.

    Raises:
        BadData: `origin` is written as a path, and there is no such folder.

    >>> folder_of("hfl/chinese-macbert-base") is None
    True
    """
    folder = Path(origin).expanduser()
    if folder.is_dir():
        return folder
    if origin.startswith((".", "/", "~")) or origin.count("/") > 1:
        there = folder.parent if folder.parent.is_dir() else None
        names = ", ".join(sorted(path.name for path in there.iterdir())[:5]) if there else ""
        hint = f" ({there} has: {names})" if names else ""
        raise BadData(f"there is no folder {origin}{hint}; give one, or a name on the Hugging Face hub")
    return None


def open_pretrained(origin: Pretrained, opener: Callable[..., Opened]) -> Opened:
    """Open with a `from_pretrained` of `transformers`; what the hub gave once is used again, without asking.

    Raises:
        BadData: there is no such folder, or no such name on the hub, or the hub cannot be reached.
    """
    if folder := origin.folder():
        return opener(folder)
    try:
        return opener(origin.path, revision=origin.revision, local_files_only=True)
    except (OSError, ValueError):  # not fetched yet
        _reach(origin)
        return opener(origin.path, revision=origin.revision)


def _reach(origin: Pretrained) -> None:
    """Ask the hub for a name, to find out at once what a download would."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    try:
        HfApi().model_info(origin.path, revision=origin.revision, timeout=REACHED_WITHIN)
    except HFValidationError as error:
        raise BadData(
            f"{origin.path!r} is no folder here, nor can it be a name on the Hugging Face hub; give one, "
            "or a name such as hfl/chinese-macbert-base"
        ) from error
    except HfHubHTTPError as error:
        reason = " ".join(str(error).split())[:200]
        raise BadData(
            f"there is no folder {origin.path}, and none for {origin} on the hub: {reason}"
        ) from error
    except Exception as error:  # of the network, by many names
        reason = " ".join(str(error).split())[:200]
        raise BadData(
            f"{origin} is no folder here and was never fetched from the Hugging Face hub, which cannot be "
            f"reached ({reason}); give a folder, or fetch it once while the hub can be reached"
        ) from error
