"""What the results of a function depend on, read off its jaxpr; trees with some leaves replaced."""

from collections.abc import Callable, Mapping
from typing import Any

import jax


def leaves_read(function: Callable[..., Any], first: Any, *others: Any) -> tuple[int, ...]:
    """Those leaves of a function's first argument, by their places, that its results depend on.

    Arguments may be arrays, tracers or `jax.ShapeDtypeStruct`. All that a call within the function
    takes counts as read where anything that it gives is.

    >>> def scaled(pair, x):
    ...     return pair["b"] * x, 0.0 * jax.lax.stop_gradient(x)
    >>> leaves_read(scaled, {"a": 1.0, "b": 2.0}, 3.0)
    (1,)
    """
    jaxpr = jax.make_jaxpr(function)(first, *others).jaxpr
    needed = {id(variable) for variable in jaxpr.outvars}
    for equation in reversed(jaxpr.eqns):
        if any(id(variable) in needed for variable in equation.outvars):
            needed |= {id(variable) for variable in equation.invars}
    inputs = jaxpr.invars[: len(jax.tree.leaves(first))]
    return tuple(place for place, variable in enumerate(inputs) if id(variable) in needed)


def replaced(tree: Any, new: Mapping[int, Any]) -> Any:
    """The tree with some of its leaves replaced, by their places.

    >>> replaced({"a": 1.0, "b": (2.0, 3.0)}, {1: 5.0})
    {'a': 1.0, 'b': (5.0, 3.0)}
    """
    leaves, structure = jax.tree.flatten(tree)
    return jax.tree.unflatten(structure, [new.get(n, leaf) for n, leaf in enumerate(leaves)])
