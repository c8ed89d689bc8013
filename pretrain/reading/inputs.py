"""Inputs of a recipe: what the user names on the command line, and `$name` where the stages use it."""

from collections.abc import Mapping
from dataclasses import replace

from pretrain.reading.nodes import Node
from pretrain.reading.problems import Key, Problem, suggestion


def substitute(root: Node, problems: list[Problem]) -> Node:
    """The recipe with each `$name` in its stages replaced by the input's value, whatever its structure.

    `$$` at the start of a text stands for `$`.
    """
    inputs, stages = root.child("inputs"), root.child("stages")
    named = inputs.mapping().items() if inputs else ()
    given = {name: _value(name, node, problems) for name, node in named}
    if stages is None or not isinstance(root.value, Mapping):
        return root
    return replace(root, value={**root.value, "stages": _filled(stages, given, ("stages",), problems)})


def escape(value: object) -> object:
    """The inverse, for finished plain values: a text that starts with `$` gets another one in front."""
    if isinstance(value, Mapping):
        return {key: escape(one) for key, one in value.items()}
    if isinstance(value, list):
        return [escape(one) for one in value]
    return f"${value}" if isinstance(value, str) and value.startswith("$") else value


def _value(name: str, node: Node, problems: list[Problem]) -> Node | None:
    """The default, which the command line replaces, or null; None where the user has to give one."""
    required, default = node.child("required"), node.child("default")
    if default is None and required is not None and required.value is True:
        example = node.child("example")
        message = f"has to be given: add {name}={example.value if example else '...'} to the command"
        problems.append(Problem(node.spot(), ("inputs", name), message))
        return None
    return default or Node(None, node.place)


def _filled(node: Node, given: Mapping[str, Node | None], key: Key, problems: list[Problem]) -> Node:
    if isinstance(node.value, Mapping):
        pairs = node.value.items()
        return replace(node, value={name: _filled(one, given, (*key, name), problems) for name, one in pairs})
    if isinstance(node.value, tuple):
        items = (_filled(one, given, (*key, index), problems) for index, one in enumerate(node.value))
        return replace(node, value=tuple(items))
    if not isinstance(node.value, str) or not node.value.startswith("$"):
        return node
    name = node.value[1:]
    if name.startswith("$"):
        return replace(node, value=name)
    if name not in given:
        problems.append(Problem(node.place, key, f"there is no input '{name}'{suggestion(name, given)}"))
    # An input's own place (the command line, or its default) tells more than that of the `$name`.
    found = given.get(name)
    return replace(found, key=node.key) if found else node
