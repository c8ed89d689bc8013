"""The stages as a recipe writes them, valid or not: enough to say what each one reads and makes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from corpora.stage import StageSettings
from pretrain.reading.header import Header
from pretrain.reading.nodes import Node
from pretrain.reading.phrases import got
from pretrain.reading.problems import Problem, suggestion

_WORD = re.compile(r"[^\W\d]\w*")


@dataclass(frozen=True)
class Declared:
    """A stage of known kind."""

    settings: type[StageSettings]
    node: Node


def declare(
    root: Node, kinds: Mapping[str, type[StageSettings]], problems: list[Problem]
) -> dict[str, Declared]:
    """The stages of known kind in order; what is wrong with the others goes to `problems`."""
    found = {}
    for name, node in (root.child("stages") or Node(None, root.place)).mapping().items():
        key, kind = ("stages", name), node.child("kind")
        word = kind.value if kind and isinstance(kind.value, str) else ""
        if not _WORD.fullmatch(name) or name in Header.model_fields:
            message = f"'{name}' cannot name a stage; wanted one word, not a key of the recipe"
            problems.append(Problem(node.spot(), key, message))
        elif kind is None:
            message = f"has no `kind`, wanted one of {', '.join(map(repr, kinds))}"
            problems.append(Problem(node.spot(), key, message))
        elif word not in kinds:
            message = f"{got(kind.plain())} is no kind of stage{suggestion(word, kinds)}"
            problems.append(Problem(kind.place, (*key, "kind"), message))
        else:
            found[name] = Declared(kinds[word], node)
    return found
