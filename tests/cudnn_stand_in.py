"""What cuDNN computes, where there is no GPU: `jax.experimental.rnn` by JAX's own reference.

On a GPU, JAX's tests hold the call to `rnn.lstm_ref` over the weights that
`rnn.unpack_lstm_weights` takes out of the vector. Length 0, where cuDNN fails, gives NaN here.

`by_hand` says the same from the layout alone: NumPy float64, one sequence and one step at a time.
"""

import contextlib
import functools
from collections.abc import Iterator
from typing import Any
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import rnn

from lstm_jax.executors import compiling_for, cudnn
from lstm_jax.executors.cudnn_call import Plan


@contextlib.contextmanager
def cudnn_or_stand_in() -> Iterator[list[tuple]]:
    """The executor runs: on a GPU itself, in float32, elsewhere by the reference.

    Gives a list to which every call of cuDNN that is traced without a GPU adds its settings.
    """
    if jax.default_backend() == "gpu":
        with jax.default_matmul_precision("highest"):
            yield []
        return
    calls: list[tuple] = []

    def forward(*args: Any) -> tuple[Any, Any]:
        arrays, settings = args[:5], args[5:]
        calls.append(settings)
        return _reference(settings, *arrays), arrays

    def backward(*args: Any) -> tuple[Any, ...]:
        *settings, (*arrays, lengths), cotangents = args
        computed = functools.partial(_reference, tuple(settings), lengths=lengths)
        return *jax.vjp(computed, *arrays)[1](cotangents), jnp.zeros_like(lengths)

    with (
        compiling_for("gpu"),
        mock.patch.object(cudnn, "lacking_on_this_host", return_value=None),
        mock.patch.object(rnn, "lstm_fwd", forward),
        mock.patch.object(rnn, "lstm_bwd", backward),
    ):
        yield calls


def _reference(settings: tuple, xs: Any, h: Any, c: Any, weights: Any, lengths: Any) -> Any:
    input_size, hidden_size, layers, dropout, bidirectional, _ = settings
    sizes = input_size, hidden_size, layers, bidirectional
    assert weights.shape == (rnn.get_num_params_in_lstm(*sizes),)
    unpacked = rnn.unpack_lstm_weights(weights, *sizes)
    with jax.numpy_dtype_promotion("standard"):
        results = rnn.lstm_ref(
            xs, h, c, *unpacked, lengths, input_size, hidden_size, layers, dropout, bidirectional
        )
    fails = jnp.where(jnp.min(lengths) < 1, jnp.float32(jnp.nan), jnp.float32(1.0))
    return jax.tree.map(lambda result: result * fails.astype(result.dtype), results)


def by_hand(plan: Plan, xs: Any, h: Any, c: Any, weights: Any, lengths: Any) -> tuple:
    """(ys, final h, final c), as `cudnn_call.call`, from the layout in its first lines."""
    rest = np.asarray(weights, "float64")
    size, directions = plan.hidden_size, 1 + plan.bidirectional

    def take(*shape: int) -> np.ndarray:
        nonlocal rest
        taken, rest = rest[: np.prod(shape)], rest[np.prod(shape) :]
        return taken.reshape(shape)

    linear, biases = [], []
    for pseudo in range(plan.layers * directions):
        below = plan.input_size if pseudo < directions else directions * size
        linear.append((take(4 * size, below), take(4 * size, size)))
    for _ in linear:
        biases.append(take(4 * size) + take(4 * size))
    assert rest.size == 0

    ys = np.zeros((*xs.shape[:2], directions * size))
    last_h, last_c = np.zeros(h.shape), np.zeros(c.shape)
    for b, length in enumerate(lengths):
        sequence = [np.float64(x) for x in xs[b, :length]]
        for layer in range(plan.layers):
            seen: list[list] = []
            for direction in range(directions):
                pseudo = layer * directions + direction
                (w_x, w_h), bias = linear[pseudo], biases[pseudo]
                now_h, now_c = np.float64(h[pseudo, b]), np.float64(c[pseudo, b])
                shown = []
                for x in sequence[::-1] if direction else sequence:
                    z_i, z_f, z_g, z_o = (w_x @ x + w_h @ now_h + bias).reshape(4, size)
                    now_c = sigmoid(z_f) * now_c + sigmoid(z_i) * np.tanh(z_g)
                    now_h = sigmoid(z_o) * np.tanh(now_c)
                    shown.append(now_h)
                last_h[pseudo, b], last_c[pseudo, b] = now_h, now_c
                seen.append(shown[::-1] if direction else shown)
            sequence = [np.concatenate(both) for both in zip(*seen, strict=True)]
        ys[b, :length] = sequence
    return ys, last_h, last_c


def sigmoid(z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-z))
