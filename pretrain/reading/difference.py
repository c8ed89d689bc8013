"""What changed between two dumps of a stage's settings, one line a key."""

from collections.abc import Mapping

from pretrain.reading.writing import write


def difference(old: object, new: object, name: str) -> list[str]:
    """Lines such as `train.steps 300 -> 400`, in the order of the keys; lists and tuples are alike.

    >>> difference({"steps": 300, "seed": 0}, {"steps": 400, "seed": 0}, "train")
    ['train.steps 300 -> 400']
    """
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        names = [*old, *(key for key in new if key not in old)]
        return [
            line
            for key in names
            for line in difference(old.get(key, _UNSET), new.get(key, _UNSET), f"{name}.{key}")
        ]
    old, new = _short(old), _short(new)
    return [] if old == new else [f"{name} {old} -> {new}"]


_UNSET = object()


def _short(value: object) -> str:
    """A value in one line."""
    return "(unset)" if value is _UNSET else write(value, flow=True).strip()
