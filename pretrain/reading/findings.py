"""Errors of pydantic brought back to keys of a recipe, without the noise of alternatives that nobody meant.

Pydantic's location of an error mixes keys with the names of union branches, and a value that fits no branch
of a union gives errors for every branch.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pydantic_core import ErrorDetails

from pretrain.reading import phrases
from pretrain.reading.nodes import Node
from pretrain.reading.problems import Key


@dataclass(frozen=True)
class Finding:
    """One error of pydantic's, its location split into keys of the recipe and labels of union branches."""

    error: ErrorDetails
    key: Key
    labels: tuple[tuple[Key, str | int], ...]  # (key of the union, branch taken)

    @classmethod
    def of(cls, error: ErrorDetails, node: Node) -> "Finding":
        """Split the location with the help of the tree that was checked."""
        key: Key = ()
        labels: list[tuple[Key, str | int]] = []
        for is_key, part in _trace(tuple(error["loc"]), node):
            if is_key:
                key = (*key, part)
            else:
                labels.append((key, part))
        if error["type"] == "missing":
            key = (*key, labels.pop()[1])
        return cls(error, key, tuple(labels))

    def outside(self, union: Key) -> bool:
        """Does it say that the value of the union is another kind of thing altogether?"""
        kind = self.error["type"]
        return self.key == union and (kind in phrases.SHAPE or kind.startswith("union_tag"))


def _trace(location: Key, node: Node | None) -> list[tuple[bool, str | int]]:
    """Mark each part of pydantic's location as a key of the recipe (True) or the label of a union's branch.

    A label may be spelt like a key; the reading that finds most keys in the recipe is the right one.
    """
    if not location:
        return []
    part, rest = location[0], location[1:]
    label = [(False, part), *_trace(rest, node)]
    child = node.child(part) if node else None
    if child is None:
        return label
    known = [(True, part), *_trace(rest, child)]
    return max(known, label, key=lambda steps: sum(is_key for is_key, _ in steps))


def meant(findings: list[Finding]) -> list[Finding]:
    """Of a union's branches keep the one that was had in mind: of the value's kind, with fewest errors.

    Nor is a list too short because items of it are wrong.
    """
    for union in sorted({key for finding in findings for key, _ in finding.labels}, key=len):
        branches: dict[object, list[Finding]] = {}
        for finding in findings:
            for key, label in finding.labels:
                if key == union:
                    branches.setdefault(label, []).append(finding)
                    break
        entered = [branch for branch in branches.values() if not any(one.outside(union) for one in branch)]
        if len(branches) > 1 and entered:
            meant = min(entered, key=len)
            strays = [one for branch in branches.values() if branch is not meant for one in branch]
            findings = [finding for finding in findings if finding not in strays]
    inside = {finding.key[:length] for finding in findings for length in range(len(finding.key))}
    return [one for one in findings if one.error["type"] != "too_short" or one.key not in inside]


def by_key(findings: Sequence[Finding]) -> Iterator[list[Finding]]:
    """Bring together what was found at one key: the refusals of a union's alternatives are one problem."""
    groups: dict[Key, list[Finding]] = {}
    for finding in findings:
        groups.setdefault(finding.key, []).append(finding)
    yield from groups.values()
