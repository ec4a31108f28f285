"""What the frameworks on JAX share: a loss of everything that comes out, and its gradient."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lstm_jax.interop.entries import flatten
from tests.lstm_jax.interop.cases import Call, Result


def differentiated(
    apply: Callable[[Any, Any], tuple[Any, list[dict[str, Any]]]],
    weights: Any,
    call: Call,
    dtype: str,
) -> Result:
    """`apply(weights, xs)` gives (ys, final states), time-major."""

    def cast(tree: Any) -> Any:
        return jax.tree.map(lambda leaf: jnp.asarray(leaf, dtype), tree)

    (ys, final), pull_back = jax.vjp(apply, cast(weights), cast(call.xs))
    d_weights, d_xs = pull_back((cast(call.d_ys), cast(call.d_final)))
    gradients = {name: np.asarray(leaf) for name, leaf in flatten(d_weights).items()}
    return Result(np.asarray(ys), jax.tree.map(np.asarray, final), np.asarray(d_xs), gradients)


def lstm_or_not(state: Any, order: str) -> dict[str, Any]:
    """A framework's state by name; a pair is an LSTM's, in that order."""
    return dict(zip(order, state, strict=True)) if isinstance(state, tuple | list) else {"h": state}
