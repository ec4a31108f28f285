"""How far the gradient reaches back: the norms of dL/dh_t and dL/dc_t against the lag.

To the state after every step a perturbation of zero is added; the gradient of the loss with
respect to the perturbation at t is the total derivative with respect to the state after step t,
through all that comes later. h and c are two parts of that state: dL/dc_t is what reaches c_t with
h_t held, so at lag 0, where the loss sees h alone, it is zero.

The loss has to be asked for at one step. A loss of every step reaches h_t directly at each of
them, and the norms stay level though nothing flows between steps; `last_scored` gives the loss of
the last step that a task scores: the only target of adding, the last of copying's ten, the last
character of a text.

Sources: Hochreiter 1991; Bengio, Simard & Frasconi 1994; Pascanu, Mikolov & Bengio 2013.
"""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.typing import DTypeLike
from jaxtyping import Array, Float, PRNGKeyArray, Shaped

from lstm_jax import sequence
from lstm_jax.arguments import check_lengths
from lstm_jax.cells import Cell, Wrapper, widen
from lstm_jax.checks import Size
from lstm_jax.diagnostics.flat import laid, parted
from lstm_jax.diagnostics.observers import state_parts
from lstm_jax.diagnostics.subjects import Inputs, Subject, cells_of, view
from lstm_jax.layers import Bidirectional
from lstm_jax.noise import Noise
from lstm_jax.tasks import Batch, Task
from lstm_jax.unroll import unroll


class Pushed(NamedTuple):
    """The input's part of a step, and what is added to the state after it."""

    zx: Any
    push: Float[Array, "*T B S"]


@dataclasses.dataclass(frozen=True)
class Perturbed(Wrapper):
    """A cell whose inputs end in what is added to its state after the step.

    Args:
        cell: any cell.
        width: S, the numbers of its state.
    """

    width: Size

    def init(self, key: PRNGKeyArray, input_size: int, dtype: DTypeLike = jnp.float32) -> Any:
        return super().init(key, input_size - self.width, dtype)

    def param_shapes(self, input_size: int, dtype: DTypeLike = jnp.float32) -> Any:
        return super().param_shapes(input_size - self.width, dtype)

    def project(self, params: Any, x: Float[Array, "*T B I"]) -> Any:
        x, push = self._parts(x)
        return Pushed(super().project(params, x), push)

    def activate(self, params: Any, state: Any, zx: Any, zh: Array) -> Any:
        return moved(super().activate(params, state, zx.zx, zh), zx.push)

    def advance(self, params: Any, state: Any, x: Float[Array, "B I"]) -> Any:
        if self.splits:
            return super().advance(params, state, x)
        x, push = self._parts(x)
        return moved(super().advance(params, state, x), push)

    def _parts(self, x: Array) -> list[Array]:
        return jnp.split(x, [x.shape[-1] - self.width], axis=-1)


def moved(state: Any, push: Float[Array, "*T B S"]) -> Any:
    """The state with its numbers moved by `push`."""
    return jax.tree.map(jnp.add, state, parted(push, state))


def gradient_flow(
    subject: Subject,
    params: Any,
    inputs: Inputs,
    loss: Callable[[Float[Array, "T B O"]], Float[Array, ""]],
    lengths: Shaped[Array, " B"] | None = None,
) -> tuple[dict[str, Float[Array, " T"]], ...]:
    """How much of the gradient of a loss arrives at the state of each lag, as at evaluation.

    Args:
        subject: a `SequenceModel`, a `Stack` or a cell.
        params: its parameters.
        inputs: values (T, B, I), or the tokens (T, B) of a model of tokens.
        loss: of the outputs (T, B, O), as `last_scored` makes one.
        lengths: (B,) the steps of each sequence; left out, all have T.

    Returns:
        For each layer, by the name of a part of its state (c, h), norms (T,): place k is the root
        mean square, over the sequences longer than k, of |dL/dstate| at k steps before each
        sequence's own last step. NaN at lags that no sequence has; infinite where a gradient is
        no finite number.

    Raises ValueError for a bidirectional layer, TypeError and ValueError as `lstm_jax.unroll`.

    >>> from lstm_jax import LSTM
    >>> cell = LSTM(hidden_size=4)
    >>> params = cell.init(jax.random.key(0), input_size=2)
    >>> xs = jax.random.normal(jax.random.key(1), (10, 3, 2))
    >>> (norms,) = gradient_flow(cell, params, xs, lambda ys: ys[-1].sum())
    >>> norms["h"].shape, float(norms["c"][0])
    ((10,), 0.0)
    """
    stack, of_stack, xs, read = view(subject, params, inputs)
    if any(isinstance(layer, Bidirectional) for layer in stack.layers):
        raise ValueError(
            "a bidirectional layer reads a sequence from both ends, so that no lag belongs to a "
            "step; the gradient flow is that of layers that run forwards"
        )
    steps, batch, _ = xs.shape
    cells = cells_of(stack)
    states = [
        jax.eval_shape(lambda p, cell=cell: cell.initial_state(p, batch), widen(p))
        for cell, p in zip(cells, of_stack, strict=True)
    ]

    def total(pushes: list[Array]) -> Array:
        def run(number: int, xs: Array, noise: Noise | None) -> tuple[Array, None]:
            push = pushes[number]
            cell: Cell = Perturbed(cells[number], push.shape[-1])
            joined = jnp.concatenate([xs.astype(push.dtype), push], axis=-1)
            return unroll(cell, of_stack[number], joined, lengths=lengths)[1], None

        return loss(read(stack.through(xs, run)[0]))

    rows = [jax.eval_shape(laid, state) for state in states]
    gradients = jax.grad(total)([jnp.zeros((steps, *row.shape), row.dtype) for row in rows])
    ends = check_lengths(lengths, steps, batch)
    return tuple(
        {name: _by_lag(part, ends) for name, part in state_parts(parted(flat, state)).items()}
        for flat, state in zip(gradients, states, strict=True)
    )


def _by_lag(gradient: Float[Array, "T B H"], lengths: Array | None) -> Float[Array, " T"]:
    """Norms against the lag, scaled by the largest number so that no square leaves the range."""
    steps, batch, _ = gradient.shape
    gradient = sequence.flip(gradient, lengths)
    rows = jnp.full(steps, batch)
    if lengths is not None:
        inside = sequence.mask(lengths, steps)
        gradient, rows = sequence.silence(gradient, inside), inside.sum(axis=1)
    largest = jnp.abs(gradient).max(axis=(1, 2))
    unit = jnp.where(largest > 0, largest, 1)[:, None, None]
    squares = jnp.square(gradient / unit).sum(axis=(1, 2))
    norms = largest * jnp.sqrt(squares / rows.astype(gradient.dtype))
    norms = jnp.where(jnp.isfinite(largest), norms, jnp.inf)
    return jnp.where(rows > 0, norms, jnp.nan)


def last_scored(task: Task, batch: Batch) -> Callable[[Float[Array, "T B O"]], Float[Array, ""]]:
    """The loss of the last step of each sequence that a task scores, summed over sequences.

    Args:
        task: whose loss it is.
        batch: sequences of it.

    >>> from lstm_jax.tasks import Copying
    >>> task = Copying("arjovsky2016", gap=5)
    >>> batch = task.sample(jax.random.key(0), 3)
    >>> outputs = jax.random.normal(jax.random.key(1), (25, 3, 9))
    >>> gradient = jax.grad(last_scored(task, batch))(outputs)
    >>> jnp.nonzero(jnp.abs(gradient).sum(axis=(1, 2)))[0].tolist()
    [24]
    """
    scored = batch.weights > 0
    steps = len(scored)
    last = steps - 1 - jnp.argmax(scored[::-1], axis=0)
    alone = (jnp.arange(steps)[:, None] == last) & scored
    asked = batch._replace(weights=alone.astype(batch.weights.dtype))

    def loss(outputs: Float[Array, "T B O"]) -> Float[Array, ""]:
        return task.score(outputs, asked).loss.sum()

    return loss
