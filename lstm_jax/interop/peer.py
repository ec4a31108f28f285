"""What all frameworks share: a layout for each of their cells, and names for cells in layers.

A framework states, for each cell it has, how its entries are made of ours and ours of its
(`Layout`), and how the entries of a cell are called by its place in a layer. The names and shapes
that `read` expects are those that `write` gives.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import numpy as np

from lstm_jax.arguments import shapes
from lstm_jax.cells import GRU, LSTM, Cell, Elman, LSTMVariant, ResetFirstGRU
from lstm_jax.interop.entries import Arrays, fit
from lstm_jax.interop.trees import fitted, named, owned
from lstm_jax.layers import Bidirectional, Layer, Stack


class Layout(NamedTuple):
    """How a framework holds the weights of one cell, by our names and by its own."""

    called: str
    write: Callable[[Arrays], Arrays]
    read: Callable[[Arrays], Arrays]


class Place(NamedTuple):
    """A cell in a layer: its number in a stack, its direction in a `Bidirectional`."""

    cell: Cell
    level: int | None = None
    direction: str = ""


class Names(NamedTuple):
    """Begin and end of the names of a cell's entries."""

    prefix: str = ""
    suffix: str = ""

    def of(self, entry: str) -> str:
        return f"{self.prefix}{entry}{self.suffix}"


@dataclasses.dataclass(frozen=True)
class Peer:
    """A framework.

    Args:
        name: what it is called.
        layouts: the cells that it has, by `kind`.
        names: what the entries of the cells in these places are called; a ValueError where the
            framework has no such layer.
    """

    name: str
    layouts: Mapping[str, Layout]
    names: Callable[[Cell | Layer, list[Place]], list[Names]]

    def write(self, layer: Cell | Layer, params: Any) -> Arrays:
        """The entries of a layer, flat."""
        cells = self._cells(layer)
        params = fitted("the parameters do not fit", layer, named(params))
        return owned(_entries(cells, parts(layer, params)))

    def read(self, layer: Cell | Layer, entries: Mapping[str, Any]) -> Any:
        """The layer's parameters of NumPy arrays, of flat entries."""
        cells = self._cells(layer)

        def by_name(input_size: int) -> dict[str, tuple[int, ...]]:
            zeros = _zeros(shapes(layer, input_size))
            return {name: a.shape for name, a in _entries(cells, parts(layer, zeros)).items()}

        arrays, size = fit(f"the {self.name} entries do not fit {layer}", entries, by_name)
        like = shapes(layer, size)
        found = []
        for (layout, names), own in zip(cells, parts(layer, like), strict=True):
            theirs = {name: arrays[names.of(name)] for name in layout.write(present(_zeros(own)))}
            found.append(own._replace(**owned(layout.read(theirs))))
        return jax.tree.unflatten(jax.tree.structure(like), jax.tree.leaves(found))

    def layout(self, cell: Cell) -> Layout:
        """How this framework holds a cell; ValueError if it has no such cell."""
        found = self.layouts.get(kind(cell) or "")
        if found is None:
            has = ", ".join(f"{name} ({each.called})" for name, each in self.layouts.items())
            raise ValueError(f"{self.name} has no {cell}; it has {has}")
        return found

    def _cells(self, layer: Cell | Layer) -> list[tuple[Layout, Names]]:
        """Every cell's layout and names, or a ValueError for what the framework does not have."""
        found = places(layer)
        layouts = [self.layout(place.cell) for place in found]
        if isinstance(layer, Stack) and layer.residual:
            raise ValueError(f"{self.name} has no residual stack; convert its layers one by one")
        return list(zip(layouts, self.names(layer, found), strict=True))


def _entries(cells: list[tuple[Layout, Names]], params: list[Any]) -> Arrays:
    return {
        names.of(name): array
        for (layout, names), own in zip(cells, params, strict=True)
        for name, array in layout.write(present(own)).items()
    }


def _zeros(shapes: Any) -> Any:
    return jax.tree.map(lambda leaf: np.zeros(leaf.shape), shapes)


def present(params: Any) -> Arrays:
    """The fields of a cell's parameters that are there."""
    return {name: leaf for name, leaf in params._asdict().items() if leaf is not None}


def kind(cell: Cell) -> str | None:
    """The sort of cell that frameworks know it as; None for one that has no other home."""
    if isinstance(cell, LSTMVariant):
        own = {"hidden_size", "bias", "weights", "projection_size", "dtype"}
        options = [each for each in dataclasses.fields(LSTMVariant) if each.name not in own]
        if any(getattr(cell, each.name) != each.default for each in options):
            return None
        return "LSTMP" if cell.projection_size else "LSTM"
    if isinstance(cell, Elman):
        return f"{cell.activation} Elman"
    known = {LSTM: "LSTM", GRU: "GRU", ResetFirstGRU: "ResetFirstGRU"}
    return next((name for cls, name in known.items() if isinstance(cell, cls)), None)


def places(layer: Cell | Layer) -> list[Place]:
    """The cells of a layer, the lowest first, forward before backward."""
    if isinstance(layer, Stack):
        return [
            place._replace(level=level)
            for level, each in enumerate(layer.layers)
            for place in places(each)
        ]
    if isinstance(layer, Bidirectional):
        pair = {"forward": layer.forward, "backward": layer.backward}
        return [Place(cell, direction=direction) for direction, cell in pair.items()]
    if isinstance(layer, Cell):
        return [Place(layer)]
    raise TypeError(f"layer must be a cell, a Bidirectional or a Stack, got {layer!r}")


def parts(layer: Cell | Layer, params: Any) -> list[Any]:
    """The parameters of each cell, in the order of `places`."""
    if isinstance(layer, Stack):
        pairs = zip(layer.layers, params, strict=True)
        return [part for each, own in pairs for part in parts(each, own)]
    return list(params) if isinstance(layer, Bidirectional) else [params]


def refuse_bias(called: str, ours: Arrays) -> None:
    """ValueError for a bias that a framework's cell has no place for."""
    for name in ("b", "b_u"):
        if np.any(ours.get(name, 0) != 0):
            raise ValueError(f"{called} without a bias has no place for {name}, which is not zero")
