"""What the name of something pre-trained stands for: a folder here, or a name on the Hugging Face hub."""

from pathlib import Path

from corpora.errors import BadData


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
