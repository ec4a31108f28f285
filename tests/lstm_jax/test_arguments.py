"""What is wrong in a call of `unroll` is refused: the value given, what was expected, a way out."""

from typing import Any

import jax
import numpy as np
import pytest

from lstm_jax import LSTM, LSTMParams, LSTMState, Noise, Stack, choose_executor, unroll
from tests.cases import BATCH, HIDDEN, draw

CELL = LSTM(HIDDEN)
KEY = jax.random.key(0)
GOOD = draw(CELL, {"state", "lengths", "resets"}, steps=5)
ZEROS = np.zeros((BATCH, HIDDEN), np.float32)
NARROW = LSTMState(ZEROS[:, :2], ZEROS)
HALF = LSTMState(ZEROS, ZEROS.astype(np.float16))
OTHER = LSTMParams(np.zeros((2, 16), np.float32), *GOOD.params[1:])

VALUES = [
    ("xs", GOOD.xs[0], r"xs must be time-major \(T, B, I\), got shape \(4, 2\)"),
    ("xs", GOOD.xs[..., :1], r"params\.w_x must have shape \(1, 12\), got \(2, 12\)"),
    ("params", OTHER, r"params\.w_x must have shape \(2, 12\), got \(2, 16\)"),
    ("state", NARROW, r"state\.c must have shape \(4, 3\), got \(4, 2\)"),
    ("lengths", GOOD.lengths[:3], r"lengths must have shape \(4,\), got \(3,\)"),
    ("lengths", np.array([0, 5, -1, 2]), r"lengths must be in 0\.\.5, got -1"),
    ("lengths", np.array([0, 5, 6, 2]), r"lengths must be in 0\.\.5, got 6"),
    ("resets", GOOD.resets.T, r"resets must have shape \(5, 4\), got \(4, 5\)"),
    ("noise", Noise(KEY, np.arange(3)), r"noise\.rows must have shape \(4,\), got \(3,\)"),
    ("truncate", 0, "truncate must be at least 1, got 0"),
    ("executor", "scam", r"unknown executor 'scam'; did you mean 'scan'\? known: "),
]

TYPES = [
    ("xs", GOOD.xs.astype(int), "xs must be floating point, got int.*; embed or one-hot tokens"),
    (
        "params",
        tuple(GOOD.params),
        r"params must be LSTMParams\(w_x=\(2, 12\), w_h=\(3, 12\), b=\(12,\)\), got \(\(2, 12\)",
    ),
    (
        "state",
        tuple(GOOD.state),
        r"must be LSTMState\(c=\(4, 3\), h=\(4, 3\)\), got \(\(4, 3\), \(4",
    ),
    ("state", HALF, r"state\.h must be float32, got float16"),
    ("lengths", ZEROS[:, 0], "lengths must be integers, got float32"),
    ("lengths", GOOD.resets[0], "lengths must be integers, got bool"),
    ("resets", GOOD.resets.astype(int), "resets must be booleans, got int"),
    ("params", jax.tree.map(lambda leaf: leaf.astype(int), GOOD.params), "params must be floating"),
    ("reverse", "yes", "reverse must be True or False, got 'yes'"),
    ("return_states", 1, "return_states must be True or False, got 1"),
    ("noise", Noise("junk"), r"noise\.key must be one key, as jax\.random\.key\(0\), got 'junk'"),
    ("noise", Noise(jax.random.split(KEY)), r"noise\.key must be one key"),
    ("noise", Noise(KEY, ZEROS[:, 0]), r"noise\.rows must be an array of integers"),
    ("noise", Noise(KEY, None, 0.5), r"noise\.first_step must be a number of steps, got 0\.5"),
    ("noise", KEY, r"noise must be a Noise, as in noise=Noise\(key\), got "),
    ("truncate", 2.5, "truncate must be an integer or None, got 2.5"),
    ("truncate", True, "truncate must be an integer or None, got True"),
]

pytestmark = pytest.mark.usefixtures("bad_input")


def call(**wrong: Any) -> None:
    unroll(CELL, **GOOD._asdict() | wrong)


@pytest.mark.parametrize("name, value, words", VALUES, ids=[row[0] for row in VALUES])
def test_a_wrong_value_or_shape_is_a_value_error(name: str, value: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call(**{name: value})


@pytest.mark.parametrize("name, value, words", TYPES, ids=[row[0] for row in TYPES])
def test_a_wrong_type_or_dtype_is_a_type_error(name: str, value: Any, words: str) -> None:
    with pytest.raises(TypeError, match=words):
        call(**{name: value})


def test_lengths_that_are_constants_are_checked_under_jit_as_well() -> None:
    with pytest.raises(ValueError, match=r"lengths must be in 0\.\.5, got 9"):
        jax.jit(lambda: call(lengths=np.array([0, 5, 9, 2])))()


@pytest.mark.parametrize(
    "cell, words",
    [
        (Stack((CELL,)), r"must be a cell such as LSTM\(64\), got Stack; call its own unroll"),
        (LSTM, r"must be a cell such as LSTM\(64\), got the class LSTM"),
        (GOOD.params, r"must be a cell such as LSTM\(64\), got LSTMParams"),
    ],
    ids=["stack", "class", "params"],
)
def test_what_is_no_cell_is_a_type_error(cell: Any, words: str) -> None:
    with pytest.raises(TypeError, match=words):
        unroll(cell, GOOD.params, GOOD.xs)
    with pytest.raises(TypeError, match=words):
        choose_executor(cell)


def test_a_state_of_numpy_counts_as_jax_sees_it() -> None:
    """Whose own default is 64 bits."""
    state = LSTMState(np.zeros((BATCH, HIDDEN)), np.zeros((BATCH, HIDDEN)))
    call(state=state)


@pytest.mark.parametrize("params", [None, ()], ids=str)
def test_absent_parameters_are_a_type_error(params: Any) -> None:
    with pytest.raises(TypeError, match=r"params must be .*LSTMParams"):
        call(params=params)


@pytest.mark.usefixtures("float64")
def test_wider_inputs_are_a_type_error() -> None:
    with pytest.raises(TypeError, match="xs is float64 but the parameters are float32; cast one"):
        call(xs=GOOD.xs.astype(np.float64))
