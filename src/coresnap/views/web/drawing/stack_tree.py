"""Many stacks as one tree: what a flame graph shows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence

import attrs

__all__ = ["StackNode", "find_node", "merge_stacks", "walk"]


@attrs.define
class StackNode:
    """A frame below the same callers, and how many faults have it."""

    name: str
    id: str
    """Of the way to it: the same as long as the frames are."""
    depth: int
    count: int = 0
    own: int = 0
    """Faults whose stack ends here."""
    children: dict[str, StackNode] = attrs.field(factory=dict)

    def child(self, name: str) -> StackNode:
        """Return the child with this name, made where there is none."""
        found = self.children.get(name)
        if found is None:
            way = f"{self.id}\n{name}".encode(errors="surrogatepass")
            identity = hashlib.sha256(way).hexdigest()[:16]
            found = StackNode(name, identity, self.depth + 1)
            self.children[name] = found
        return found

    def largest_first(self) -> Sequence[StackNode]:
        """Return the children by count; equal ones by name."""
        return sorted(self.children.values(), key=lambda one: (-one.count, one.name))


def merge_stacks(
    stacks: Iterable[tuple[Sequence[str], int]], deepest: int = 256
) -> StackNode:
    """Return the root of the tree of ``stacks``, each with its count of faults.

    Frames stand in a stack from the root on; those below ``deepest`` are left out.
    """
    root = StackNode("all", "", 0)
    for frames, count in stacks:
        node = root
        node.count += count
        for frame in frames[:deepest]:
            node = node.child(frame)
            node.count += count
        node.own += count
    return root


def find_node(root: StackNode, wanted: str) -> Sequence[StackNode]:
    """Return the way from the root to the node with this id; empty for none."""
    way: list[StackNode] = []
    for node in walk(root):
        del way[node.depth :]
        way.append(node)
        if node.id == wanted:
            return way
    return ()


def walk(root: StackNode) -> Iterator[StackNode]:
    """Yield each node before its children, the largest child first."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(reversed(node.largest_first()))
