"""A tree of values that know where they were written, built from the events of a YAML parser."""

import dataclasses
from typing import Any

from ruamel.yaml import events

from experiments.config.faults import ConfigError, Fault, Loc, Origin, dotted
from experiments.config.scalars import resolve, shown

MAX_DEPTH = 50
MAX_NODES = 10_000
MAX_KEY = 200
"""Characters of a key, which may be dotted: as many levels are followed by recursion."""
MAX_TEXT = 4096
"""Characters of a text: as many as a path may have. `writer` needs up to ten for each of them."""

BROKEN = object()
"""The value of a node whose fault is known already; nothing more is said of it."""


@dataclasses.dataclass(frozen=True)
class Node:
    """A scalar, a list of nodes or a dict of nodes. In a dict, `origin` is that of the key."""

    value: Any
    origin: Origin
    size: int = 1
    """Nodes in it, itself included, each alias counted in full."""
    height: int = 0
    """Levels of lists and sections in it."""


@dataclasses.dataclass
class _Open:
    """A list or section whose end is yet to come."""

    value: Any
    origin: Origin
    loc: Loc
    anchor: str | None
    broken: bool
    size: int = 1
    height: int = 1
    in_value: bool = False
    """In a section: whether the next node is the value of `key` rather than a key."""
    key: str | None = None
    """None for a key at fault, whose value is dropped."""
    key_origin: Origin = dataclasses.field(default_factory=lambda: Origin(""))


class Builder:
    """Takes the events of one document in order; then `root` is its tree, None if empty.

    Faults that leave the rest readable are collected; for the others ConfigError is raised.
    """

    def __init__(self, origin: Origin, loc: Loc) -> None:
        self.root: Node | None = None
        self.faults: list[Fault] = []
        self.line = 1
        self._origin = origin
        self._loc = loc
        self._open: list[_Open] = []
        self._anchors: dict[str, Node | None] = {}
        self._documents = 0
        self._size = 0

    @property
    def loc(self) -> Loc:
        """Where the next node belongs."""
        if not self._open:
            return self._loc
        inner = self._open[-1]
        if isinstance(inner.value, list):
            return (*inner.loc, len(inner.value))
        return inner.loc if inner.key is None else (*inner.loc, inner.key)

    @property
    def _depth(self) -> int:
        """Levels of lists and sections around the next node."""
        return len(self._loc) + len(self._open)

    def add(self, event: events.Event) -> None:
        """Take the next event."""
        self.line = event.start_mark.line + 1
        origin = self._origin.on(self.line)
        match event:
            case events.DocumentStartEvent():
                self._begin_document(event)
            case events.ScalarEvent():
                self._count(1)
                node = Node(self._scalar(event), origin)
                if event.anchor:
                    self._anchors[event.anchor] = node
                self._place(node)
            case events.SequenceStartEvent() | events.MappingStartEvent():
                self._begin([] if isinstance(event, events.SequenceStartEvent) else {}, event)
            case events.SequenceEndEvent() | events.MappingEndEvent():
                self._end()
            case events.AliasEvent():
                self._place(dataclasses.replace(self._aliased(event.anchor), origin=origin))

    def _fault(self, message: str, *key: str) -> None:
        self.faults.append(Fault(self._origin.on(self.line), dotted((*self.loc, *key)), message))

    def _stop(self, message: str) -> ConfigError:
        self._fault(message)
        return ConfigError(self.faults)

    def _begin_document(self, event: events.DocumentStartEvent) -> None:
        self._documents += 1
        if self._documents > 1:
            raise self._stop("a second document begins here; a config is one document")
        if event.version not in (None, (1, 2)):
            version = ".".join(map(str, event.version))
            raise self._stop(f"the file says YAML {version}; configs are YAML 1.2")

    def _begin(self, value: list | dict, event: events.CollectionStartEvent) -> None:
        if self._depth >= MAX_DEPTH:
            raise self._stop(f"nested deeper than {MAX_DEPTH} levels")
        self._count(1)
        broken = self._is_tagged(event)
        origin = self._origin.on(self.line)
        self._open.append(_Open(value, origin, self.loc, event.anchor, broken))
        if event.anchor:
            self._anchors[event.anchor] = None

    def _end(self) -> None:
        closed = self._open.pop()
        value = BROKEN if closed.broken else closed.value
        node = Node(value, closed.origin, closed.size, closed.height)
        if closed.anchor:
            self._anchors[closed.anchor] = node
        self._place(node)

    def _scalar(self, event: events.ScalarEvent) -> Any:
        if self._is_tagged(event):
            return BROKEN
        if any("\ud800" <= character <= "\udfff" for character in event.value):
            self._fault("half of a surrogate pair is not a character")
            return BROKEN
        plain, _ = event.implicit
        try:
            value = resolve(event.value) if plain else event.value
        except ValueError as error:
            self._fault(str(error))
            return BROKEN
        if isinstance(value, str) and len(value) > MAX_TEXT:
            self._fault(f"a text of {len(value)} characters is too long: at most {MAX_TEXT}")
            return BROKEN
        return value

    def _is_tagged(self, event: events.ScalarEvent | events.CollectionStartEvent) -> bool:
        if event.tag is None:
            return False
        tag = str(event.tag).replace("tag:yaml.org,2002:", "!!")
        self._fault(f"the tag {shown(tag)} is refused; a config holds plain values only")
        return True

    def _aliased(self, anchor: str) -> Node:
        if anchor not in self._anchors:
            raise self._stop(f"the alias {shown(f'*{anchor}')} has no anchor before it")
        node = self._anchors[anchor]
        if node is None:
            raise self._stop(f"the alias {shown(f'*{anchor}')} stands inside its own anchor")
        if self._depth + node.height > MAX_DEPTH:
            raise self._stop(f"nested deeper than {MAX_DEPTH} levels, aliases included")
        self._count(node.size)
        return node

    def _count(self, nodes: int) -> None:
        self._size += nodes
        if self._size > MAX_NODES:
            raise self._stop(f"more than {MAX_NODES} keys and values, aliases included")

    def _place(self, node: Node) -> None:
        """Put a complete node where it belongs."""
        if not self._open:
            self.root = node
            return
        outer = self._open[-1]
        outer.size += node.size
        outer.height = max(outer.height, node.height + 1)
        if isinstance(outer.value, list):
            outer.value.append(node)
        elif not outer.in_value:
            outer.key, outer.key_origin = self._key(node, outer.value), node.origin
            outer.in_value = True
        else:
            if outer.key is not None:
                outer.value[outer.key] = dataclasses.replace(node, origin=outer.key_origin)
            outer.key, outer.in_value = None, False

    def _key(self, node: Node, section: dict[str, Node]) -> str | None:
        key = node.value
        if key is BROKEN:
            return None
        if not isinstance(key, str):
            self._fault(f"a key must be text, got {shown(key)}")
        elif len(key) > MAX_KEY:
            self._fault(f"a key of {len(key)} characters is too long: at most {MAX_KEY}")
        elif key == "<<":
            self._fault("merge keys (<<) are no part of YAML 1.2; write the keys out")
        elif key in section:
            line = section[key].origin.line
            self._fault("given twice" + (f", first on line {line}" if line else ""), key)
        else:
            return key
        return None
