"""Layers of one recipe: what it extends, itself, and the overrides of the command line on top."""

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from pydantic import BaseModel

from pretrain.reading.header import Header
from pretrain.reading.nodes import Node
from pretrain.reading.problems import COMMAND_LINE, Key, Problem, RecipeError, nearest, suggestion
from pretrain.reading.shape import all_tags
from pretrain.reading.source import parse, read
from pretrain.reading.spelling import spelled_out, with_default

Find = Callable[[str, Path], Path | None]
"""(name or path as written, folder to look from) -> the recipe's file."""


@dataclass(frozen=True)
class Layers:
    """Lays recipes and overrides over each other; what is wrong with single values goes to `problems`."""

    find: Find
    kinds: Mapping[str, type[BaseModel]]
    problems: list[Problem]

    @cached_property
    def tags(self) -> Set[str]:
        """The keys that choose a member of a family: `kind`, `strategy`, ..."""
        return all_tags(self.kinds.values())

    def chain(self, path: Path, above: tuple[Path, ...] = ()) -> Node:
        """The recipe at `path` laid over those it extends; `above` are those that extend it.

        Raises:
            RecipeError: one of them is not YAML, or they extend each other in a circle.
        """
        node, above = read(path, self.problems), (*above, path.resolve())
        base = node.child("extends")
        if base is None or not isinstance(base.value, str):
            return node
        found = self.find(base.value, path.parent)
        if found is None:
            self.problems.append(Problem(base.place, ("extends",), f"there is no recipe '{base.value}'"))
            return node
        if found.resolve() in above:
            message = f"'{base.value}' extends this recipe in turn: a circle"
            raise RecipeError([Problem(base.place, ("extends",), message)])
        below = spelled_out(self.chain(found, above), self.kinds)
        unnamed = {key: child for key, child in below.mapping().items() if key != "name"}
        return lay_over(replace(below, value=unnamed), node, self.tags)

    def override(self, root: Node, text: str) -> Node:
        """Lay one `train.masking.budget=0.2` over the recipe; the value is YAML, or else text (`*.txt`)."""
        written, equals, value = text.partition("=")
        if not equals or not written:
            return self._refuse(root, (), f"got '{text}', wanted KEY=VALUE, as in train.steps=300")
        key = _full_key(root, tuple(int(part) if part.isdecimal() else part for part in written.split(".")))
        if key is None:
            return self._refuse(root, (written,), f"unknown key{_known(root, written)}")
        new = _value(value, key, self.problems)
        if key[0] == "stages" and len(key) == 2 and new.value is None:
            return _without(root, str(key[1]))
        try:
            return _assign(with_default(spelled_out(root, self.kinds), key, self.kinds), key, new)
        except LookupError as error:
            return self._refuse(root, key, str(error.args[0]))

    def _refuse(self, root: Node, key: Key, message: str) -> Node:
        self.problems.append(Problem(COMMAND_LINE, key, message))
        return root


def lay_over(base: Node, top: Node, tags: Set[str], depth: int = 0) -> Node:
    """Merge two recipes key by key; lists and single values are replaced.

    A mapping that names another member of its family (`strategy: token` over `ngram`) replaces it, for the
    other's settings would be unknown to it. A stage or input that is null on top is removed.
    """
    if not isinstance(base.value, Mapping) or not isinstance(top.value, Mapping):
        return top
    # Of a stage, `kind` alone says what it is; its `task` is a field with the name of a family's tag.
    if depth > 1 and _differs(base, top, tags if depth > 2 else {"kind"}):
        return top
    merged = dict(base.value)
    for name, child in top.value.items():
        below = merged.get(name)
        if depth == 1 and below and child.value is None:
            del merged[name]
        else:
            merged[name] = lay_over(below, child, tags, depth + 1) if below else child
    return replace(top, value=merged)


def _differs(base: Node, top: Node, tags: Set[str]) -> bool:
    """Do they choose different members of a family?"""
    given = ((top.child(tag), base.child(tag)) for tag in tags)
    return any(new is not None and (old is None or old.value != new.value) for new, old in given)


def _full_key(root: Node, key: Key) -> Key | None:
    """Where a dotted key belongs: the recipe's own keys, then stages, then inputs."""
    first = str(key[0])
    if first in Header.model_fields and first != "extends":
        return key
    if root.child_at(("stages", first)):
        return ("stages", *key)
    return ("inputs", first, "default") if root.child_at(("inputs", first)) and len(key) == 1 else None


def _known(root: Node, written: str) -> str:
    """What the first word of an override could have been."""
    parts = (root.child(part) for part in ("stages", "inputs"))
    names = [name for part in parts if part for name in part.mapping()]
    first = written.split(".")[0]
    return nearest(first, [*names, *Header.model_fields.keys() - {"extends"}]) or suggestion(first, names)


def _value(text: str, key: Key, problems: list[Problem]) -> Node:
    """YAML where it is YAML; globs and the like (`*.txt`, `[ab]*.gz`, `{a,b}.txt`) are text."""
    found: list[Problem] = []
    try:
        node = parse(text, COMMAND_LINE.source, found) if text.strip() else Node(None, COMMAND_LINE)
    except RecipeError:
        node = Node(text, COMMAND_LINE)
    problems += [replace(problem, place=COMMAND_LINE, key=(*key, *problem.key)) for problem in found]
    return node.moved(COMMAND_LINE)


def _without(root: Node, name: str) -> Node:
    """The recipe without a stage."""
    stages = root.child("stages")
    left = {one: node for one, node in stages.mapping().items() if one != name} if stages else {}
    return root.changed(("stages",), replace(stages, value=left)) if stages else root


def _assign(node: Node, key: Key, value: Node) -> Node:
    """The tree with `value` at `key`; mappings on the way are made.

    Raises:
        LookupError: the key leads through something that has no such part.
    """
    part, rest = key[0], key[1:]
    if node.value is None:
        node = replace(node, value={})
    if isinstance(node.value, Mapping):
        new = _assign(node.value.get(str(part), Node({}, COMMAND_LINE)), rest, value) if rest else value
        return replace(node, value={**node.value, str(part): new})
    if not isinstance(node.value, tuple):
        raise LookupError(f"stands below '{node.value}', which has no parts; give the whole as {{...}}")
    if not isinstance(part, int) or part >= len(node.value):
        raise LookupError(f"is a list of {len(node.value)}, counted from 0; '{part}' is none of its items")
    new = _assign(node.value[part], rest, value) if rest else value
    return replace(node, value=(*node.value[:part], new, *node.value[part + 1 :]))
