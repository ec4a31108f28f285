"""Counted products against closed forms."""

from typing import Any

import jax
import jax.numpy as jnp
import pytest
from jax.experimental import pallas as pl
from jax.experimental import rnn
from jax.extend.core import Primitive

from experiments.compile.flops import matmul_flops
from lstm_jax import LSTM, unroll

T, B, I, H = 23, 3, 5, 7


def counted(function: Any, *shapes: tuple[int, ...]) -> int:
    arrays = [jax.ShapeDtypeStruct(shape, jnp.float32) for shape in shapes]
    return matmul_flops(jax.make_jaxpr(function)(*arrays))


@pytest.mark.parametrize(
    "formula, shapes, expected",
    [
        ("ab,bc->ac", [(2, 3), (3, 5)], 2 * 2 * 3 * 5),
        ("ba,cb->ac", [(3, 2), (5, 3)], 2 * 2 * 3 * 5),
        ("nab,nbc->nac", [(11, 2, 3), (11, 3, 5)], 11 * 2 * 2 * 3 * 5),
        ("abc,bcd->ad", [(2, 3, 5), (3, 5, 7)], 2 * 2 * 3 * 5 * 7),
    ],
)
def test_a_product(formula: str, shapes: list[tuple[int, ...]], expected: int) -> None:
    assert counted(lambda x, y: jnp.einsum(formula, x, y), *shapes) == expected


def test_what_is_no_product_costs_nothing() -> None:
    assert counted(lambda x: jnp.tanh(x).sum() * 3, (4, 4)) == 0


def test_what_nothing_is_made_of_costs_nothing() -> None:
    def step(carry: jax.Array, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        return carry + 1, x @ x

    assert counted(lambda xs: jax.lax.scan(step, xs[0], xs)[0], (3, 4, 4)) == 0
    assert counted(lambda xs: jax.lax.scan(step, xs[0], xs)[1], (3, 4, 4)) == 3 * 2 * 4**3


def test_loops_count_as_often_as_they_run() -> None:
    def scanned(x: jax.Array) -> jax.Array:
        return jax.lax.scan(lambda x, _: (jax.jit(jnp.matmul)(x, x), None), x, length=6)[0]

    def twice(x: jax.Array) -> jax.Array:
        return jax.lax.map(scanned, jnp.stack([x, x]))

    assert counted(twice, (4, 4)) == 2 * 6 * 2 * 4**3
    assert counted(jax.vmap(scanned), (9, 4, 4)) == 9 * 6 * 2 * 4**3


def test_a_loop_without_a_known_end_counts_once() -> None:
    def until(x: jax.Array) -> jax.Array:
        return jax.lax.while_loop(lambda x: x.sum() < 9, lambda x: x @ x, x)

    assert counted(until, (4, 4)) == 2 * 4**3


def test_of_branches_the_dearest_counts() -> None:
    def branch(x: jax.Array) -> jax.Array:
        return jax.lax.switch(jnp.int32(x.sum()), [jnp.tanh, lambda x: x @ x @ x, jnp.sin], x)

    assert counted(branch, (4, 4)) == 2 * 2 * 4**3


def test_derivatives_of_one_s_own_count() -> None:
    @jax.custom_vjp
    def product(x: jax.Array) -> jax.Array:
        return x @ x

    product.defvjp(lambda x: (x @ x, x), lambda x, d: (d @ x.T + x.T @ d,))
    assert counted(product, (4, 4)) == 2 * 4**3
    assert counted(jax.value_and_grad(lambda x: product(x).sum()), (4, 4)) == 3 * 2 * 4**3


def test_a_kernel_counts_for_every_place_of_its_grid_or_by_its_own_estimate() -> None:
    def kernel(x: Any, y: Any) -> None:
        y[...] = x[...] @ x[...]

    def tiled(x: jax.Array, estimate: pl.CostEstimate | None = None) -> jax.Array:
        block = pl.BlockSpec((8, 8), lambda i: (i, 0))
        given = {"in_specs": [block], "out_specs": block, "cost_estimate": estimate}
        return pl.pallas_call(kernel, x, grid=(5,), **given)(x)

    assert counted(tiled, (40, 8)) == 5 * 2 * 8**3
    estimate = pl.CostEstimate(flops=123, transcendentals=4, bytes_accessed=5)
    assert counted(lambda x: tiled(x, estimate), (40, 8)) == 123
    assert counted(jax.vmap(lambda x: tiled(x, estimate)), (3, 40, 8)) == 3 * 123


@pytest.mark.parametrize("again", [False, True])
def test_the_gradient_of_an_lstm(again: bool) -> None:
    """8BTH(I + H) forwards, as many for dW, 8BTHH for dh; forwards once more, where asked to."""
    cell = LSTM(H)
    params = cell.param_shapes(I)

    def loss(params: Any, xs: jax.Array) -> jax.Array:
        return unroll(cell, params, xs, executor="scan")[1].sum()

    xs = jax.ShapeDtypeStruct((T, B, I), jnp.float32)
    forward, recurrent = 8 * B * T * H * (I + H), 8 * B * T * H * H
    gradient = jax.value_and_grad(jax.checkpoint(loss) if again else loss)
    found = matmul_flops(jax.make_jaxpr(gradient)(params, xs))
    assert found == (2 + again) * forward + recurrent


@pytest.mark.parametrize("bidirectional", [False, True])
def test_cudnn_counts_by_its_weights(bidirectional: bool) -> None:
    """Two layers, of 8BTH(I + H) each and direction; as many again for dx, and for dW."""
    x, state = jnp.zeros((B, T, I)), jnp.zeros((2, B, H))
    sizes = {"input_size": I, "hidden_size": H, "num_layers": 2, "bidirectional": bidirectional}
    weights = jnp.zeros(rnn.get_num_params_in_lstm(**sizes))
    y = jnp.zeros((B, T, H))

    def bound(name: str, *arrays: jax.Array) -> int:
        primitive = Primitive(name)  # a stand-in: that of jax.experimental.rnn asks the GPU
        primitive.def_abstract_eval(lambda *avals, **_: avals[0])
        return matmul_flops(jax.make_jaxpr(lambda: primitive.bind(*arrays, **sizes))())

    lengths, ways = jnp.zeros(B, jnp.int32), 1 + bidirectional
    forward = 8 * B * T * H * ways * ((I + H) + (ways * H + H))
    assert bound("rnn_fwd", x, state, state, weights, lengths) == forward
    arrays = (y, state, state, x, state, state, weights, y, y, lengths)
    assert bound("rnn_bwd", *arrays) == 2 * forward
