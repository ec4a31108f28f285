"""Writes the golden numbers that `make test` compares with, from the frameworks themselves.

    make golden

A file a case: the framework's weights by its names, inputs, the weights of the loss, and what came
out. All numbers are random; weights and inputs are such that float32 has them.
"""

from pathlib import Path

import jax
import numpy as np

from lstm_jax.interop.entries import Arrays
from tests.lstm_jax.interop.cases import (
    CASES,
    GOLDEN,
    INPUTS,
    LONG,
    LONG_SIZES,
    RECORDED,
    Call,
    Case,
    Result,
    draw_call,
    draw_entries,
    precision,
)
from tests.peers.runners import runner


def packed(weights: Arrays, call: Call, result: Result) -> Arrays:
    """Everything under one roof, by flat names."""
    arrays = {f"weights {name}": leaf for name, leaf in weights.items()}
    arrays |= {"xs": call.xs, "d_ys": call.d_ys, "ys": result.ys, "d_xs": result.d_xs}
    arrays |= {f"d_weights {name}": leaf for name, leaf in result.d_weights.items()}
    for kind, final in (("d_final", call.d_final), ("final", result.final)):
        for number, own in enumerate(final):
            arrays |= {f"{kind} {number} {part}": leaf for part, leaf in own.items()}
    return arrays


def write(name: str, path: Path, weights: Arrays, call: Call, case: Case) -> None:
    with jax.enable_x64(True):
        result = runner(name).run(case, name, weights, call, precision(name))
    arrays = packed(weights, call, result)
    given = {"xs", "d_ys"} | {key for key in arrays if key.startswith(("weights", "d_final"))}
    for key in given:
        arrays[key] = arrays[key].astype("float32")
    np.savez_compressed(path, **arrays)


def main() -> None:
    GOLDEN.mkdir(exist_ok=True)
    for seed, name in enumerate(RECORDED):
        case = CASES[name]
        weights = draw_entries(runner(name).entries(case, name, INPUTS), seed)
        path = GOLDEN / f"{name.replace(' ', '_')}.npz"
        write(name, path, weights, draw_call(case, seed + 1000), case)
    for seed, (name, case) in enumerate(LONG.items()):
        sizes = LONG_SIZES
        weights = draw_entries(runner(name).entries(case, name, sizes["inputs"]), seed, scale=0.25)
        path = GOLDEN / f"{name.replace(' ', '_')}_200.npz"
        write(name, path, weights, draw_call(case, seed + 2000, **sizes), case)


if __name__ == "__main__":
    main()
