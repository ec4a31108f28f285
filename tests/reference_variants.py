"""References of the LSTM's relatives: variants by options, and the network of 1997."""

from typing import Any

import numpy as np

from tests.reference import Named, Reference, Vector, sigmoid, times, unpack

EPSILON = 1e-5
"""What a layer normalisation adds to the variance (Ba et al. 2016)."""


class LSTMVariant(Reference):
    """An LSTM with gates left out, coupled, fed back, looking at the cell state or normalised."""

    def __init__(self, cell: Any, params: Named) -> None:
        super().__init__(cell, params)
        size = cell.hidden_size
        present = {"i": cell.input_gate == "own", "f": cell.forget_gate, "o": cell.output_gate}
        self.gates = [name for name in "ifo" if present[name]]
        packing = dict.fromkeys([name for name in "ifgo" if present.get(name, True)], size)
        self.w, self.u = unpack(params["w_x"], packing, 1), unpack(params["w_h"], packing, 1)
        self.b = unpack(params["b"], packing, 0)
        if cell.gate_recurrence:
            squares = dict.fromkeys(self.gates, size)
            rows = unpack(params["w_gates"], squares, 0)
            self.v = {source: unpack(row, squares, 1) for source, row in rows.items()}
        if cell.layer_norm:
            norm = params["norm"]
            self.gain_x = unpack(norm["gain_x"], packing, 0)
            self.gain_h = unpack(norm["gain_h"], packing, 0)

    def start(self) -> Named:
        size = self.cell.hidden_size
        gates = self.zeros(size * len(self.gates)) if self.cell.gate_recurrence else None
        return {"c": self.zeros(size), "h": self.zeros(size), "gates": gates}

    def forward(self, state: Named, x: Vector) -> tuple[Named, Vector]:
        cell, c = self.cell, state["c"]
        z = self.before_squashing(x, self.shown(state["h"]), state["gates"])
        squashed = {}
        i: Vector | float = 1.0
        f: Vector | float = 1.0
        o: Vector | float = 1.0
        if cell.forget_gate:
            f = squashed["f"] = sigmoid(z["f"] + self.peephole("f", c))
        if cell.input_gate == "own":
            i = squashed["i"] = sigmoid(z["i"] + self.peephole("i", c))
        elif cell.input_gate == "coupled":
            i = 1 - sigmoid(z["f"] + self.peephole("f", c) - cell.coupled_shift)
        g = np.tanh(z["g"]) if cell.input_activation else z["g"]
        c = f * c + i * g
        if cell.output_gate:
            o = squashed["o"] = sigmoid(z["o"] + self.peephole("o", c))
        h = o * self.squashed_cell(c)
        kept = [squashed[name] for name in self.gates]
        gates = np.concatenate(kept) if cell.gate_recurrence else None
        return {"c": c, "h": h, "gates": gates}, self.shown(h)

    def before_squashing(self, x: Vector, y: Vector, gates: Vector | None) -> dict[str, Vector]:
        """What every gate computes of x and of what feeds back."""
        from_x = {name: times(x, self.w[name]) for name in self.w}
        from_y = {name: times(y, self.u[name]) for name in self.u}
        if gates is not None:
            before = unpack(gates, dict.fromkeys(self.gates, self.cell.hidden_size), 0)
            for source, activation in before.items():
                for target in self.gates:
                    from_y[target] = from_y[target] + times(activation, self.v[source][target])
        if self.cell.layer_norm:
            x_hat, y_hat = normalised(from_x), normalised(from_y)
            from_x = {name: x_hat[name] * self.gain_x[name] for name in from_x}
            from_y = {name: y_hat[name] * self.gain_h[name] for name in from_y}
        return {name: from_x[name] + from_y[name] + self.b[name] for name in self.b}

    def peephole(self, name: str, c: Vector) -> Vector | float:
        return self.params[f"p_{name}"] * c if self.cell.peepholes else 0.0

    def squashed_cell(self, c: Vector) -> Vector:
        if self.cell.layer_norm:
            norm = self.params["norm"]
            c = normalised({"c": c})["c"] * norm["gain_c"] + norm["bias_c"]
        return np.tanh(c) if self.cell.output_activation else c

    def shown(self, h: Vector) -> Vector:
        """The projection of h, where there is one."""
        return h if self.cell.projection_size is None else times(h, self.params["w_p"])


def normalised(parts: dict[str, Vector]) -> dict[str, Vector]:
    """All parts together with mean 0 and variance 1."""
    everything = np.concatenate(list(parts.values()))
    mean = everything.sum(axis=0) / len(everything)
    variance = ((everything - mean) ** 2).sum(axis=0) / len(everything)
    return {name: (part - mean) / np.sqrt(variance + EPSILON) for name, part in parts.items()}


class LSTM1997(Reference):
    """Hochreiter & Schmidhuber 1997: blocks of cells that share their gates.

    A truncated derivative takes what feeds back as a constant: the real part of it alone.
    """

    def __init__(self, cell: Any, params: Named) -> None:
        super().__init__(cell, params)
        blocks = cell.hidden_size // cell.block_size
        present = {"f": cell.forget_gate, "o": cell.output_gate}
        widths = {name: blocks for name in "ifgo" if present.get(name, True)}
        widths["g"] = cell.hidden_size
        self.w, self.u = unpack(params["w_x"], widths, 1), unpack(params["w_h"], widths, 1)
        self.gates = {name: blocks for name in widths if name != "g"}
        self.b: dict[str, Vector | float] = dict.fromkeys(widths, 0.0)
        if cell.biased != "none":
            biased = widths if cell.biased == "all" else self.gates
            self.b.update(unpack(params["b"], biased, 0))

    def start(self) -> Named:
        width = sum(self.gates.values())
        gates = self.zeros(width) if self.cell.fed_back == "all" else None
        size = self.cell.hidden_size
        return {"c": self.zeros(size), "h": self.zeros(size), "gates": gates}

    def forward(self, state: Named, x: Vector) -> tuple[Named, Vector]:
        fed_back = {"all": ["h", "gates"], "cells": ["h"], "none": []}[self.cell.fed_back]
        r = np.concatenate([self.zeros(0), *(state[name] for name in fed_back)])
        if self.cell.truncated:
            r = r.real

        def z(name: str) -> Vector:
            return times(x, self.w[name]) + times(r, self.u[name]) + self.b[name]

        squashed = {name: sigmoid(z(name)) for name in self.gates}
        each = {name: self.for_its_cells(gate) for name, gate in squashed.items()}
        of_g, of_h = self.cell.limits
        g = of_g * (2 * sigmoid(z("g")) - 1)
        c = each.get("f", 1.0) * state["c"] + each["i"] * g
        h = each.get("o", 1.0) * of_h * (2 * sigmoid(c) - 1)
        gates = np.concatenate(list(squashed.values())) if self.cell.fed_back == "all" else None
        return {"c": c, "h": h, "gates": gates}, h

    def for_its_cells(self, gate: Vector) -> Vector:
        """A block's gate, once for each of its cells."""
        return np.repeat(gate, self.cell.block_size, axis=0)
