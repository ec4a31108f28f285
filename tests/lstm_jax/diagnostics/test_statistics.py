"""Sums inside the loop are the means of the traces, over the steps that belong to a sequence."""

import functools
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lstm_jax import GRU, LSTM, LSTM1997, Elman, Zoneout
from lstm_jax.cells import NFG
from lstm_jax.diagnostics import gate_statistics, statistics_of_model, traces
from lstm_jax.diagnostics.statistics import LONGEST
from tests.lstm_jax.diagnostics.looked_at import CELLS, MODEL, called, of_model
from tests.tolerances import CLOSE, assert_close


def assert_of_traces(found, told, lengths) -> None:
    inside = np.arange(len(told["h"]))[:, None] < np.asarray(lengths)
    seen = {name: np.float64(values)[inside] for name, values in told.items()}
    gates = set(found.mean)
    assert set(found.low) == set(found.high) == gates
    assert set(found.rms) == set(seen) - gates
    for name in gates:
        assert_close(found.mean[name], seen[name].mean(0), CLOSE["float32"])
        assert_close(found.low[name], (seen[name] < 0.1).mean(0), CLOSE["float32"])
        assert_close(found.high[name], (seen[name] > 0.9).mean(0), CLOSE["float32"])
    for name in found.rms:
        assert_close(found.rms[name], np.sqrt((seen[name] ** 2).mean(0)), CLOSE["float32"])
    assert int(found.steps) == inside.sum()


@pytest.mark.few(4)
@pytest.mark.parametrize("case", CELLS)
def test_are_those_of_the_traces(case: str) -> None:
    cell = CELLS[case]
    params, xs, lengths = called(cell)
    params = jax.tree.map(lambda leaf: 2 * leaf, params)  # so that some gates are saturated
    (found,), (told,) = (f(cell, params, xs, lengths) for f in (gate_statistics, traces))
    assert_of_traces(found, told, lengths)


def test_of_every_cell_of_a_model() -> None:
    params, xs, lengths = of_model(MODEL)
    found, told = (f(MODEL, params, xs, lengths) for f in (gate_statistics, traces))
    for each in zip(found, told, strict=True):
        assert_of_traces(*each, lengths)


def test_time_scales() -> None:
    def of(cell, bias=None):
        params, xs, _ = called(cell)
        params = jax.tree.map(jnp.zeros_like, params)
        return gate_statistics(cell, params if bias is None else params._replace(b=bias), xs)[0]

    f = np.array([0.0, 0.5, 0.9])
    logits = np.log(np.clip(f, 1e-30, 1) / (1 - f))
    bias = jnp.float32(np.concatenate([np.zeros(3), logits, np.zeros(6)]))
    assert_close(of(LSTM(3), bias).time_scale, np.array([1.0, 2.0, 10.0]), CLOSE["float32"])
    kept = 0.5 + 0.5 * f
    assert_close(of(Zoneout(LSTM(3), c=0.5), bias).time_scale, 1 / (1 - kept), CLOSE["float32"])
    assert_close(of(GRU(3)).time_scale, np.full(3, 2.0), CLOSE["float32"])
    for forever in (LSTM1997(3), NFG(3)):
        assert of(forever).time_scale.tolist() == [np.inf] * 3
    assert of(Elman(3)).time_scale is None


def test_no_step_of_the_highest_layer_is_kept() -> None:
    """Memory beside the result grows by less than one (T, B, H) as sequences do."""

    def bytes_of(steps: int) -> int:
        cell, xs = LSTM(32), jax.ShapeDtypeStruct((steps, 16, 2), jnp.float32)
        run = jax.jit(functools.partial(gate_statistics, cell))
        memory = run.lower(cell.param_shapes(2), xs).compile().memory_analysis()
        return memory.temp_size_in_bytes

    assert bytes_of(5000) - bytes_of(1000) < 4000 * 16 * 32 * 4


def test_of_members_side_by_side_as_json() -> None:
    params, xs, lengths = of_model(MODEL)
    both = jax.tree.map(lambda leaf: jnp.stack([leaf, leaf / 2]), params)
    each = jax.jit(jax.vmap(functools.partial(statistics_of_model, MODEL), (0, None, None)))
    found = each(both, xs, lengths)
    assert_close(
        jax.tree.map(lambda leaf: leaf[0], found),
        statistics_of_model(MODEL, params, xs, lengths),
        CLOSE["float32"],
    )
    json.dumps(jax.tree.map(np.ndarray.tolist, jax.device_get(found)), allow_nan=False)
    (of_layer,) = gate_statistics(MODEL.stack.layers[0], params.stack[0], xs, lengths)
    told = found["layer 0"]
    assert_close(told["f mean"][0], of_layer.mean["f"].mean(), CLOSE["float32"])
    assert_close(told["o low"][0], of_layer.low["o"].mean(), CLOSE["float32"])
    assert_close(told["time scale 50%"][0], np.median(of_layer.time_scale), CLOSE["float32"])
    assert_close(told["c rms"][0], np.sqrt(np.mean(of_layer.rms["c"] ** 2)), CLOSE["float32"])


def test_an_infinite_time_scale_is_told_as_the_longest() -> None:
    params, xs, _ = called(LSTM1997(3))
    told = statistics_of_model(LSTM1997(3), params, xs)["layer 0"]
    assert told["time scale 90%"] == LONGEST
