"""Online learning: an update after every step of time, by real-time recurrent learning.

    s(t) = f(params, s(t-1), x(t))                            the state of the model
    J(t) = df/ds J(t-1) + df/dparams                          how parameters have moved it
    dloss(t)/dparams = dloss/dparams + dloss/ds J(t-1)

The gradient of a step goes forward in time with the state, so it is there as soon as the step is,
and nothing of the past is kept. The loss of a step is its own, by its weight: where that of a
sequence is a mean over its steps, one of T steps teaches T times as much online.

J belongs to the parameters that were; small learning rates forgive that. It has as many numbers as
the state has by which later steps depend on it, times the parameters, for each sequence: this is
for small models.

Williams & Zipser 1989. For an `LSTM1997` whose gradient is truncated, later steps depend on c
alone, and this is how Hochreiter & Schmidhuber 1997 (appendix A.1) and Gers et al. 2000 train.
"""

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import optax
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float

from lstm_jax.dependence import leaves_read, replaced
from lstm_jax.tasks import Batch, Scores, Task
from lstm_jax.training.nonfinite import select


@runtime_checkable
class Stepping(Protocol):
    """What online learning needs of a model: its step."""

    def initial_state(self, params: Any, batch_size: int) -> Any: ...

    def step(self, params: Any, state: Any, inputs: Array) -> tuple[Any, Array]:
        """The state and the outputs (B, O) after inputs (B, ...) of one step of time."""


class Running(NamedTuple):
    """What goes forward in time."""

    state: Any
    """The model's, leaves (B, ...)."""
    influence: list[Float[Array, "B S *P"]]
    """J, of each parameter that moves the state."""


class Reach(NamedTuple):
    """What J is of, as places among the leaves."""

    params: tuple[int, ...]
    state: tuple[int, ...]


class Taught(NamedTuple):
    """What is left of a batch."""

    params: Any
    moments: Any
    running: Running
    scores: Scores
    """Of every sequence, each step of it predicted before it was learnt from."""


@dataclasses.dataclass(frozen=True)
class Online:
    """Online learning of a task.

    Args:
        model, task: what learns what.
        optimizer: updates by the gradient of the mean loss over the sequences of a batch, at every
            step of time at which any prediction counts.
    """

    model: Stepping
    task: Task
    optimizer: optax.GradientTransformation

    def begin(self, params: Any, inputs: Array) -> Running:
        """At the start of sequences with such inputs (T, B, ...), of which shapes are enough."""
        rows = inputs.shape[1]
        state = self.model.initial_state(params, rows)
        reach = self._reach(params, state, inputs)

        def start(own: Sequence[Array]) -> Array:
            state = self.model.initial_state(replaced(params, _at(reach.params, own)), 1)
            return ravel_pytree(_chosen(state, reach.state))[0]

        (influence,) = _jacobian(start, _chosen(params, reach.params))
        return Running(state, [jnp.broadcast_to(j, (rows, *j.shape)) for j in influence])

    def learn(self, params: Any, moments: Any, running: Running, batch: Batch) -> Taught:
        """Go through a batch, learning from every step before the next one comes."""
        reach = self._reach(params, running.state, batch.inputs)

        def advance(t: Array, carry: tuple) -> tuple:
            params, moments, running, outputs = carry
            inputs, targets, weights = (jax.lax.dynamic_index_in_dim(p, t) for p in batch[:3])
            now = Batch(inputs, targets, weights, lengths=None)
            gradient, ahead, y = self._look(reach, params, running, now)
            updates, after = self.optimizer.update(gradient, moments, params)
            new = optax.apply_updates(params, updates), after
            params, moments = select((weights > 0).any(), new, (params, moments))
            if batch.lengths is not None:
                ahead = jax.vmap(select)(t < batch.lengths, ahead, running)
            return params, moments, ahead, outputs.at[t].set(y)

        outputs = jnp.zeros((*batch.weights.shape, self.task.output_size))
        end = len(batch.weights) if batch.lengths is None else batch.lengths.max()
        carry = (params, moments, running, outputs)
        params, moments, running, outputs = jax.lax.fori_loop(0, end, advance, carry)
        return Taught(params, moments, running, self.task.score(outputs, batch))

    def _look(
        self, reach: Reach, params: Any, running: Running, now: Batch
    ) -> tuple[Any, Running, Float[Array, "B O"]]:
        """The gradient of a step's mean loss, what goes on, and what was predicted."""

        def of_row(running: Running, now: Batch) -> tuple[Any, Running, Array]:
            now = jax.tree.map(lambda leaf: leaf[:, None], now)
            vector, as_leaves = ravel_pytree(_chosen(running.state, reach.state))

            def step(params: Any, vector: Array) -> tuple[Any, Array]:
                state = replaced(running.state, _at(reach.state, as_leaves(vector)))
                state = jax.tree.map(lambda leaf: leaf[None], state)
                state, y = self.model.step(params, state, now.inputs[0])
                return jax.tree.map(lambda leaf: leaf[0], state), y

            def loss(params: Any, vector: Array) -> tuple[Array, Any]:
                state, y = step(params, vector)
                asked = now._replace(weights=(now.weights > 0).astype(now.weights.dtype))
                cost = self.task.score(y[None], asked).loss[0] * now.weights[0, 0]
                return cost, (state, y[0])

            def moved(own: Sequence[Array], vector: Array) -> Array:
                state, _ = step(replaced(params, _at(reach.params, own)), vector)
                return ravel_pytree(_chosen(state, reach.state))[0]

            (gradient, through), (state, y) = jax.grad(loss, (0, 1), has_aux=True)(params, vector)
            own = _chosen(params, reach.params)
            directly, onward = _jacobian(moved, own, vector)
            past = [jnp.tensordot(through, j, 1) for j in running.influence]
            whole = map(jnp.add, _chosen(gradient, reach.params), past)
            gradient = replaced(gradient, _at(reach.params, whole))
            moved_on = [jnp.tensordot(onward, j, 1) for j in running.influence]
            return gradient, Running(state, [*map(jnp.add, directly, moved_on)]), y

        gradients, running, outputs = jax.vmap(of_row, in_axes=(0, 1))(running, now)
        return jax.tree.map(lambda g: g.mean(axis=0), gradients), running, outputs

    def _reach(self, params: Any, state: Any, inputs: Array) -> Reach:
        """The leaves of the state by which later steps depend on it, and those that move them."""
        now = jax.eval_shape(lambda inputs: inputs[0], inputs)

        def differential(d_state: Any, params: Any, state: Any, inputs: Array) -> Any:
            return jax.jvp(lambda s: self.model.step(params, s, inputs), (state,), (d_state,))[1]

        of_state = leaves_read(differential, state, params, state, now)

        def moved(params: Any, state: Any, inputs: Array) -> list[Array]:
            states = self.model.initial_state(params, 1), self.model.step(params, state, inputs)[0]
            return [leaf for state in states for leaf in _chosen(state, of_state)]

        return Reach(leaves_read(moved, params, state, now), of_state)


def _jacobian(function: Callable[..., Array], *arguments: Any) -> tuple[Any, ...]:
    """The derivatives of numbers (S,) by each argument, leaves (S, ...)."""
    value, pullback = jax.vjp(function, *arguments)
    derivatives: tuple[Any, ...] = jax.vmap(pullback)(jnp.eye(len(value), dtype=value.dtype))
    return derivatives


def _at(places: Iterable[int], leaves: Iterable[Any]) -> dict[int, Any]:
    return dict(zip(places, leaves, strict=True))


def _chosen(tree: Any, places: Iterable[int]) -> list[Array]:
    leaves = jax.tree.leaves(tree)
    return [leaves[n] for n in places]
