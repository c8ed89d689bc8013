"""A tree of plain values in which each one knows where it was written."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from pretrain.reading.problems import Key, Place
from pretrain.reading.scalars import Scalar


@dataclass(frozen=True)
class Node:
    """A value with the place of its first character and, in a mapping, the place of its key."""

    value: "Scalar | tuple[Node, ...] | Mapping[str, Node]"
    place: Place
    key: Place | None = None

    def children(self) -> "Mapping[str | int, Node]":
        """Values one step down, by key or by number; none below a scalar."""
        return dict(enumerate(self.value)) if isinstance(self.value, tuple) else dict(self.mapping().items())

    def mapping(self) -> "Mapping[str, Node]":
        """The values of a mapping by key; none of anything else."""
        return self.value if isinstance(self.value, Mapping) else {}

    def plain(self) -> object:
        """The value alone, as strict settings read it: dict, list, str, int, float, bool, None."""
        if isinstance(self.value, Mapping):
            return {key: child.plain() for key, child in self.value.items()}
        return [child.plain() for child in self.value] if isinstance(self.value, tuple) else self.value

    def child(self, part: str | int) -> "Node | None":
        """One step down, None where there is none."""
        return self.children().get(part)

    def child_at(self, key: Key) -> "Node | None":
        """Several steps down, None where the way ends."""
        child = self.child(key[0]) if key else self
        return child.child_at(key[1:]) if child and key else child

    def changed(self, key: Key, new: "Node") -> "Node":
        """The tree with another value at a key of its mappings; what leads there has to exist."""
        if not key:
            return new
        name = str(key[0])
        return replace(self, value={**self.mapping(), name: self.mapping()[name].changed(key[1:], new)})

    def spot(self) -> Place:
        """Where to point at: the key of a mapping, the value itself of anything else."""
        return self.key if self.key and isinstance(self.value, Mapping) else self.place

    def at(self, key: Key) -> Place:
        """Where the value at `key` stands; for what is not written, its nearest written parent."""
        child = self.child(key[0]) if key else None
        return child.at(key[1:]) if child else self.spot()

    def depths(self, depth: int = 1) -> Iterator[int]:
        """How deep below this one each value of the tree lies."""
        for child in self.children().values():
            yield depth
            yield from child.depths(depth + 1)

    def moved(self, place: Place) -> "Node":
        """The same tree as if all of it were written at one place."""
        return self.map(lambda node: replace(node, place=place, key=place))

    def map(self, change: "Callable[[Node], Node]") -> "Node":
        """The tree with every value changed, parents before what is in them."""
        node = change(self)
        if isinstance(node.value, Mapping):
            return replace(node, value={key: child.map(change) for key, child in node.value.items()})
        if isinstance(node.value, tuple):
            return replace(node, value=tuple(child.map(change) for child in node.value))
        return node
