"""What holds for every framework: round trips to the last bit, and refusals."""

import functools
import itertools
from typing import Any

import jax
import ml_dtypes
import numpy as np
import pytest

from lstm_jax import GRU, LSTM, Bidirectional, Elman, ResetFirstGRU, Stack
from lstm_jax.arguments import shapes
from lstm_jax.cells import CELLS, IRNN, JANET, LSTM1997, LSTMP, NP, LSTMVariant, Zoneout
from lstm_jax.interop.entries import flatten
from lstm_jax.interop.peer import kind, places
from tests.lstm_jax.interop.cases import CASES, INPUTS, Case, blank, draw_entries, draw_params

DTYPES = ["float16", ml_dtypes.bfloat16, "float32", "float64"]
SPECIAL = [-0.0, 1e-45, np.inf, -np.inf, np.nan]

ROUNDED = [name for name in CASES if name in ("haiku lstm", "haiku deep")]
"""Where 1 is added to a bias: see `test_haiku.py`."""

SUMMED = [
    *(name for name in CASES if name.startswith("torch") and "without bias" not in name),
    *("keras gru", "keras both ways", "keras deep", "haiku rnn relu", *ROUNDED),
]
"""Where the framework has two biases for one of ours."""


def bits(tree: Any) -> list[tuple[str, Any, bytes]]:
    leaves = jax.tree.leaves_with_path(tree)
    return [
        (jax.tree_util.keystr(path), (leaf.dtype, leaf.shape), np.asarray(leaf).tobytes())
        for path, leaf in leaves
    ]


def random_params(case: Case, dtype: Any, seed: int = 0) -> Any:
    """Gaussian numbers, and some that arithmetic would not leave alone."""
    rng = np.random.default_rng(seed)

    def leaf(like: Any) -> np.ndarray:
        array = rng.normal(size=like.shape)
        at = rng.random(like.shape) < 0.2
        array[at] = rng.choice(SPECIAL, size=at.sum())
        return array.astype(dtype)

    return blank(case, jax.tree.map(leaf, shapes(case.layer, INPUTS)))


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", [name for name in CASES if name not in ROUNDED])
def test_there_and_back_gives_the_same_bits(name: str, dtype: Any) -> None:
    case = CASES[name]
    params = random_params(case, dtype)
    again = case.from_theirs(case.to_theirs(params))
    assert bits(again) == bits(params)
    assert jax.tree.structure(again) == jax.tree.structure(params)


@pytest.mark.parametrize("name", [name for name in CASES if name not in SUMMED])
def test_back_and_there_gives_the_same_bits(name: str) -> None:
    case = CASES[name]
    entries = draw_entries(case.to_theirs(random_params(case, "float32")), seed=3)
    again = case.to_theirs(case.from_theirs(entries))
    assert flatten(again).keys() == entries.keys()
    assert all(leaf.tobytes() == entries[key].tobytes() for key, leaf in flatten(again).items())


@pytest.mark.parametrize("name", CASES)
def test_flat_and_nested_entries_are_taken(name: str) -> None:
    case = CASES[name]
    nested = case.to_theirs(random_params(case, "float32"))
    assert bits(case.from_theirs(flatten(nested))) == bits(case.from_theirs(nested))


@pytest.mark.parametrize("name", [name for name in CASES if name not in ROUNDED])
def test_arrays_of_jax_are_taken_and_arrays_of_numpy_given(name: str) -> None:
    case = CASES[name]
    params = blank(case, draw_params(case.layer))
    entries = case.to_theirs(jax.tree.map(jax.numpy.asarray, params))
    again = case.from_theirs(jax.tree.map(jax.numpy.asarray, entries))
    assert {type(leaf) for leaf in jax.tree.leaves((entries, again))} == {np.ndarray}
    assert bits(again) == bits(params)


@pytest.mark.parametrize("name", CASES)
def test_what_is_given_shares_no_memory_with_what_was_taken(name: str) -> None:
    case = CASES[name]
    params = random_params(case, "float32")
    entries = case.to_theirs(params)
    again = case.from_theirs(entries)
    for first, second in itertools.combinations((params, entries, again), 2):
        pairs = itertools.product(jax.tree.leaves(first), jax.tree.leaves(second))
        assert not any(np.shares_memory(a, b) for a, b in pairs)


@pytest.mark.parametrize("name", CASES)
def test_every_missing_misshapen_and_extra_entry_is_listed(name: str) -> None:
    case = CASES[name]
    entries = flatten(case.to_theirs(random_params(case, "float32")))
    missing, misshapen, *_ = sorted(entries, key=lambda key: (entries[key].ndim, key))
    del entries[missing]
    entries[misshapen] = entries[misshapen][..., None]
    with pytest.raises(
        ValueError, match=f"missing: {missing}, .*\n  misshapen: {misshapen} must"
    ) as e:
        case.from_theirs(entries | {f"{missing}s": np.ones(1)})
    assert f"extra: {missing}s; did you mean '{missing}'?" in str(e.value)
    assert str(case.layer) in str(e.value)


@pytest.mark.parametrize("name", CASES)
def test_integers_are_refused(name: str) -> None:
    case = CASES[name]
    entries = flatten(case.to_theirs(random_params(case, "float32")))
    with pytest.raises(TypeError, match="int64"):
        case.from_theirs({key: np.ones(leaf.shape, "int64") for key, leaf in entries.items()})


@pytest.mark.parametrize("name", ["torch lstm deep both ways", "linen deep", "equinox gru"])
def test_parameters_that_do_not_fit_the_layer_are_refused(name: str) -> None:
    case = CASES[name]
    other = Stack((LSTM(5), LSTM(5)))
    with pytest.raises(ValueError, match=r"the parameters do not fit .*misshapen|missing"):
        case.to_theirs(draw_params(other, INPUTS))


def test_every_cell_is_of_a_kind_or_of_none() -> None:
    known = {
        LSTM(3): "LSTM",
        LSTM(3, dtype="bfloat16"): "LSTM",
        LSTMVariant(3): "LSTM",
        NP(3): "LSTM",
        LSTMVariant(3, projection_size=2): "LSTMP",
        LSTMP(3, projection_size=2): "LSTMP",
        GRU(3): "GRU",
        ResetFirstGRU(3): "ResetFirstGRU",
        Elman(3): "tanh Elman",
        IRNN(3): "relu Elman",
        JANET(3): None,
        LSTM1997(3): None,
        LSTMVariant(3, projection_size=2, layer_norm=True): None,
        Zoneout(LSTM(3)): None,
    }
    assert {cell: kind(cell) for cell in known} == known
    plain = {"lstm", "np", "lstm_variant", "lstmp", "gru", "reset_first_gru", "elman", "irnn"}
    sized = {"lstmp": functools.partial(LSTMP, projection_size=2)}
    of_a_kind = {name for name, cls in CELLS.items() if kind(sized.get(name, cls)(3))}
    assert of_a_kind == plain


def test_places_go_up_the_stack_and_forward_first() -> None:
    stack = Stack((Bidirectional(LSTM(3), GRU(2)), Elman(4)))
    assert [tuple(place) for place in places(stack)] == [
        (LSTM(3), 0, "forward"),
        (GRU(2), 0, "backward"),
        (Elman(4), 1, ""),
    ]


@pytest.mark.parametrize(
    "name", ["torch lstm", "keras lstm", "nnx lstm", "linen lstm", "haiku lstm"]
)
def test_a_residual_stack_is_refused(name: str) -> None:
    stack = Stack((LSTM(3), LSTM(3)), residual=True)
    with pytest.raises(ValueError, match="no residual stack; convert its layers one by one"):
        CASES[name]._replace(layer=stack).from_theirs({})


@pytest.mark.parametrize(
    "name", ["torch lstm", "keras lstm", "nnx lstm", "linen lstm", "haiku lstm"]
)
@pytest.mark.parametrize("cell", [JANET(3), LSTM1997(3), Zoneout(LSTM(3), c=0.1)])
def test_a_cell_that_is_not_there_is_refused_with_those_that_are(name: str, cell: Any) -> None:
    case = CASES[name]._replace(layer=Stack((LSTM(3), cell)))
    told = rf"{name.split()[0]} has no {type(cell).__name__}\(.*\); it has LSTM \("
    with pytest.raises(ValueError, match=told):
        case.from_theirs({})
    with pytest.raises(ValueError, match=told):
        case.to_theirs(draw_params(case.layer))


def test_what_is_no_layer_is_refused() -> None:
    with pytest.raises(TypeError, match="layer must be a cell, a Bidirectional or a Stack, got 3"):
        CASES["torch lstm"]._replace(layer=3).from_theirs({})
