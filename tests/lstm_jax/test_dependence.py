"""Which leaves a function reads, where some are read in vain."""

import jax
import jax.numpy as jnp
import pytest

from lstm_jax.dependence import leaves_read, replaced

TREE = {"a": jnp.arange(3.0), "b": (jnp.float32(2.0), jnp.ones(3)), "c": jnp.zeros(2)}


def test_what_reaches_no_result_is_not_read() -> None:
    def function(tree: dict, x: jax.Array) -> jax.Array:
        _ = tree["a"] * x
        return jnp.sin(tree["b"][1]) + x

    assert leaves_read(function, TREE, jnp.ones(3)) == (2,)


def test_a_leaf_that_is_handed_on_is_read() -> None:
    assert leaves_read(lambda tree: (tree["c"], tree["a"] + 1.0), TREE) == (0, 3)
    assert leaves_read(lambda tree: jnp.float32(1.0), TREE) == ()


def test_what_a_loop_is_given_is_read_where_any_of_its_results_is() -> None:
    def function(tree: dict) -> jax.Array:
        carry = tree["a"], tree["b"][1]
        return jax.lax.fori_loop(0, 3, lambda _, pair: (pair[0] + 1.0, pair[1]), carry)[0]

    assert leaves_read(function, TREE) == (0, 2)


def test_gradients_that_are_stopped_are_not_read() -> None:
    def differential(tangent: jax.Array, x: jax.Array) -> jax.Array:
        return jax.jvp(lambda x: jax.lax.stop_gradient(x) * 2.0, (x,), (tangent,))[1]

    assert leaves_read(differential, jnp.ones(3), jnp.ones(3)) == ()


@pytest.mark.parametrize("jitted", [False, True])
def test_shapes_are_enough(jitted: bool) -> None:
    function = jax.jit(lambda tree: tree["a"].sum()) if jitted else lambda tree: tree["a"].sum()
    shapes = jax.eval_shape(lambda: TREE)
    assert leaves_read(function, shapes) == ((0, 1, 2, 3) if jitted else (0,))


def test_replaced_leaves_are_those_of_the_places_read() -> None:
    new = replaced(TREE, {2: jnp.zeros(1), 3: jnp.ones(4)})
    assert [leaf.shape for leaf in jax.tree.leaves(new)] == [(3,), (), (1,), (4,)]
    assert replaced(TREE, {})["b"][1] is TREE["b"][1]
