"""YAML text as a tree in which every value knows where it stands.

Stricter than YAML: duplicate keys, tags (`!!python/object`), merge keys and further documents are refused,
keys are always text, and size, depth and the expansion of aliases are bounded.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from pretrain.reading.nodes import Node
from pretrain.reading.problems import Key, Place, Problem, RecipeError
from pretrain.reading.scalars import scalar

MAX_BYTES = 1_000_000
MAX_VALUES = 100_000
MAX_DEPTH = 50


def read(path: Path, problems: list[Problem]) -> Node:
    """Read a recipe file; what is wrong with single values goes to `problems`.

    Raises:
        RecipeError: no tree can be made of it at all.
    """
    source = str(path)
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise _broken(Place(source), f"cannot be read: {error.strerror}") from error
    if len(data) > MAX_BYTES:
        raise _broken(Place(source), f"has over {MAX_BYTES:,} bytes; a recipe is a few kilobytes of YAML")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        place = _index(source, data[: error.start].decode(errors="replace"))
        message = f"byte 0x{data[error.start]:02x} is not UTF-8; save the file as UTF-8"
        raise _broken(place, message) from error
    root = parse(text, source, problems)
    if not isinstance(root.value, Mapping):
        raise _broken(root.place, "a recipe is a mapping: `name: ...`, `stages: ...`")
    return root


def parse(text: str, source: str, problems: list[Problem]) -> Node:
    """Make the tree of one YAML document.

    Raises:
        RecipeError: the text is not one YAML document within the bounds.
    """
    try:
        return _Composer(source, yaml.parse(text, Loader=yaml.SafeLoader), problems).document()
    except yaml.reader.ReaderError as error:
        place = _index(source, text[: error.position])
        message = f"character U+{error.character:04X} is not allowed in YAML"
        raise _broken(place, f"{message}; write it as an escape in double quotes") from error
    except yaml.MarkedYAMLError as error:
        place = _mark(source, error.problem_mark) if error.problem_mark else Place(source)
        raise _broken(place, _in_plain_words(error.problem or "is not YAML")) from error


def _broken(place: Place, message: str) -> RecipeError:
    return RecipeError([Problem(place, (), message)])


def _mark(source: str, mark: Any) -> Place:  # noqa: ANN401 - PyYAML has two kinds of marks
    return Place(source, mark.line + 1, mark.column + 1)


def _index(source: str, before: str) -> Place:
    """The place after the text `before`."""
    return Place(source, before.count("\n") + 1, len(before) - before.rfind("\n"))


def _in_plain_words(problem: str) -> str:
    """What PyYAML says, with the mend where the usual slip is known."""
    mends = {
        "'\\t'": "indent with spaces, not with tabs",
        "mapping values are not allowed": "a value with ': ' in it needs quotes, or the indentation is off",
        "that cannot start any token": "put the value in quotes",
        "expected <block end>": "the indentation does not fit the lines above",
        "unexpected end of stream": "a quote is not closed",
        "undefined alias": "an alias stands after its anchor",
    }
    mend = next((f"; {mend}" for sign, mend in mends.items() if sign in problem), "")
    return problem + mend


@dataclass
class _Composer:
    """Events of the YAML parser -> nodes. Not PyYAML's own composer, which recurses without bound."""

    source: str
    events: Iterator[yaml.Event]
    problems: list[Problem]
    anchors: dict[str, Node] = field(default_factory=dict)
    values: int = 0

    def document(self) -> Node:
        next(self.events)  # start of the stream
        start = next(self.events)
        if isinstance(start, yaml.StreamEndEvent):
            raise _broken(Place(self.source, 1, 1), "is empty; a recipe has at least `stages:`")
        root = self.node(next(self.events), ())
        next(self.events)  # end of the document
        if not isinstance(extra := next(self.events), yaml.StreamEndEvent):
            raise _broken(self.place(extra), "a second document starts here; a recipe is one document")
        return root

    def place(self, event: yaml.Event) -> Place:
        return _mark(self.source, event.start_mark)

    def node(self, event: yaml.Event, key: Key) -> Node:
        self.count(1, len(key), event)
        if isinstance(event, yaml.AliasEvent):
            return self.alias(event, key)
        if not isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent):
            raise _broken(self.place(event), "a value was expected here")
        if event.tag is not None:
            message = f"the tag {event.tag} is not allowed; write the value plainly"
            self.problems.append(Problem(self.place(event), key, message))
        if isinstance(event, yaml.ScalarEvent):
            node = self.scalar(event, key)
        elif isinstance(event, yaml.SequenceStartEvent):
            node = Node(tuple(self.items(key)), self.place(event))
        else:
            node = Node(self.mapping(key), self.place(event))
        if event.anchor:
            self.anchors[event.anchor] = node
        return node

    def alias(self, event: yaml.AliasEvent, key: Key) -> Node:
        """What the anchor holds; counted once more, so that aliases of aliases cannot explode."""
        if event.anchor not in self.anchors:
            message = f"*{event.anchor} stands for nothing: no &{event.anchor} is complete before it"
            raise _broken(self.place(event), message)
        node = self.anchors[event.anchor]
        for depth in node.depths():
            self.count(1, len(key) + depth, event)
        return node

    def count(self, values: int, depth: int, event: yaml.Event) -> None:
        self.values += values
        if self.values > MAX_VALUES:
            raise _broken(self.place(event), f"more than {MAX_VALUES:,} values, aliases written out")
        if depth > MAX_DEPTH:
            raise _broken(self.place(event), f"nested deeper than {MAX_DEPTH} levels")

    def scalar(self, event: yaml.ScalarEvent, key: Key) -> Node:
        if not event.implicit[0]:  # quoted, or a block of text
            return Node(event.value, self.place(event))
        try:
            return Node(scalar(event.value), self.place(event))
        except ValueError as error:
            self.problems.append(Problem(self.place(event), key, str(error)))
            return Node(None, self.place(event))

    def items(self, key: Key) -> Iterator[Node]:
        number = 0
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            yield self.node(event, (*key, number))
            number += 1

    def mapping(self, key: Key) -> Mapping[str, Node]:
        children: dict[str, Node] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            name = self.name(event, key)
            child = replace(self.node(next(self.events), (*key, name)), key=self.place(event))
            if name in children:
                message = f"is here a second time; the first is at {children[name].key}"
                self.problems.append(Problem(self.place(event), (*key, name), message))
            children.setdefault(name, child)
        return children

    def name(self, event: yaml.Event, key: Key) -> str:
        """A key is text as it is written: `1:`, `no:` and `null:` can be labels."""
        if not isinstance(event, yaml.ScalarEvent):
            raise _broken(self.place(event), "a key has to be a single word")
        if event.value == "<<" and event.implicit[0]:
            message = "merge keys are not part of YAML 1.2; use `extends`, or write the keys out"
            self.problems.append(Problem(self.place(event), (*key, "<<"), message))
        return event.value
