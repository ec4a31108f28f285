"""After a seed has failed: its failed step once more, to tell which number was bad first."""

from typing import Any, NamedTuple

import jax
import optax

from lstm_jax.training.loop import SeedState, Training, grade, learn
from lstm_jax.training.nonfinite import all_finite


class Finite(NamedTuple):
    """Whether each quantity of a step is finite, in the order they are computed in.

    No dict: JAX would put its keys into the order of the alphabet.
    """

    loss: Any
    gradient: Any
    optimizer_state: Any
    update: Any
    parameter: Any
    carried_state: Any


def examine(training: Training, state: SeedState) -> Finite:
    """Which quantities of the coming step are finite; those with leaves of their own, by leaf.

    Online there is a gradient at every step of time, and what is told is the end of the batch.
    """
    if training.online:
        new, scores = learn(training, state)
        return Finite(
            loss=all_finite(scores.loss),
            gradient=(),
            optimizer_state=all_finite(new.optimizer),
            update=(),
            parameter=jax.tree.map(all_finite, new.params),
            carried_state=all_finite(new.carry),
        )
    old, optimizer = state.learnt, training.optimizer(state.member.learning_rate)
    graded = grade(training, state)
    updates, moments = optimizer.update(graded.gradient, old.optimizer, old.params)
    return Finite(
        loss=all_finite(graded.scores.loss),
        gradient=jax.tree.map(all_finite, graded.gradient),
        optimizer_state=all_finite(moments),
        update=jax.tree.map(all_finite, updates),
        parameter=jax.tree.map(all_finite, optax.apply_updates(old.params, updates)),
        carried_state=all_finite(graded.carry),
    )


def first_bad(finite: Finite, lane: int) -> str:
    """The first quantity of a lane that is not finite, in words.

    >>> good, bad = jax.numpy.array([True]), jax.numpy.array([False])
    >>> first_bad(Finite(good, {"w": bad}, good, good, good, good), lane=0)
    'the gradient of w'
    """
    for quantity, tree in finite._asdict().items():
        for path, flags in jax.tree_util.tree_leaves_with_path(tree):
            if not flags[lane]:
                name = jax.tree_util.keystr(path, simple=True, separator=".")
                return f"the {quantity.replace('_', ' ')}" + (f" of {name}" if name else "")
    return "none when computed again"
