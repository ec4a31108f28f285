"""The front door: run a cell over whole sequences.

`unroll` gives lengths, resets and reverse their one meaning, draws what regularisers draw once a
sequence, and hands the loop to an executor.
"""

import contextlib
import dataclasses
import functools
from collections.abc import Iterator
from typing import Any, NamedTuple

import chex
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Shaped

from lstm_jax import arguments, sequence
from lstm_jax.cells import Cell, Wrapper, widen
from lstm_jax.checks import Size, check
from lstm_jax.executors import EXECUTORS, Executor, Inputs, Request, asked_for, platform
from lstm_jax.noise import Noise, Purpose
from lstm_jax.sharding import over_devices


def unroll(
    cell: Cell,
    params: Any,
    xs: Float[Array, "T B I"],
    state: Any = None,
    *,
    lengths: Shaped[Array, " B"] | None = None,
    resets: Shaped[Array, "T B"] | None = None,
    reverse: bool = False,
    noise: Noise | None = None,
    truncate: int | None = None,
    return_states: bool = False,
    executor: str | Executor = "auto",
) -> Any:
    """Run `cell` over sequences.

    Args:
        cell: the step, and its hyper-parameters.
        params: from `cell.init`.
        xs: inputs, time-major (T, B, I); computed with in the type of the parameters.
        state: the state to start from; left out, `cell.initial_state`.
        lengths: (B,) integers in 0..T. Past its length a sequence's state is held and its
            output is zero; length 0 returns the state it began with.
        resets: (T, B) booleans; the state is set back to `cell.initial_state` before step t.
        reverse: run each sequence backwards within its length; outputs in input order. Before
            step t is then after step t + 1: what is parted by a reset at t for a cell that runs
            forwards is parted by one at t - 1 for one that runs backwards (`Bidirectional` sees
            to it).
        noise: what zoneout and dropout draw from, in training; None draws nothing.
        truncate: let no gradient flow back through more than this number of steps: the state is
            carried on, its gradient is cut, every `truncate` steps (truncated BPTT).
        return_states: whether to return the state after every step as well.
        executor: a name of `lstm_jax.executors.EXECUTORS`, an executor such as
            `Checkpointed(segment=500)`, or "auto": then `choose_executor` tells which, and why.

    Returns:
        The final state of each sequence, the outputs (T, B, H) and, if asked for, the states as
        one tree whose leaves are (T, B, ...).

    Raises:
        ValueError: a shape, a length or a name that does not fit, or an executor that cannot
            serve the call. Under `jit` the values of `lengths` are not known and count as
            clipped to 0..T.
        TypeError: a dtype that does not fit, or forward mode through an executor without it.
        NotImplementedError: `vmap` over an executor that has none.

    >>> from lstm_jax import LSTM
    >>> cell = LSTM(hidden_size=4)
    >>> params = cell.init(jax.random.key(0), input_size=3)
    >>> xs = jax.random.normal(jax.random.key(1), (10, 2, 3))
    >>> state, ys = unroll(cell, params, xs, lengths=jnp.array([10, 6]))
    >>> ys.shape, state.c.shape, float(abs(ys[6:, 1]).max())
    ((10, 2, 4), (2, 4), 0.0)
    """
    arguments.check_cell(cell)
    reverse = arguments.check_flag("reverse", reverse)
    return_states = arguments.check_flag("return_states", return_states)
    check("truncate", truncate, Size | None)
    xs = arguments.check_inputs(cell, params, xs)
    params = widen(params)
    steps, batch, _ = xs.shape
    if state is not None:
        state = arguments.check_state(cell, params, state, batch)
    lengths = arguments.check_lengths(lengths, steps, batch)
    resets = arguments.check_resets(resets, steps, batch)
    arguments.check_noise(noise, batch)
    here = functools.partial(_unroll, cell, reverse, truncate, return_states, executor)
    spread = over_devices(here, xs, results=3 if return_states else 2)
    return spread(params, xs, state, lengths, resets, noise)


def _unroll(
    cell: Cell,
    reverse: bool,
    truncate: int | None,
    return_states: bool,
    executor: str | Executor,
    params: Any,
    xs: Array,
    state: Any,
    lengths: Array | None,
    resets: Array | None,
    noise: Noise | None,
) -> Any:
    """`unroll` of arguments that are known to fit, or of one device's share of them."""
    steps, batch, _ = xs.shape
    if state is None:
        state = cell.initial_state(params, batch)
    mask = None
    if lengths is not None:
        mask = sequence.mask(lengths, steps)
        xs = sequence.silence(xs, mask)
    if reverse:
        xs, resets = sequence.flip((xs, resets), lengths)
    if resets is not None and mask is not None:
        resets = resets & mask
    keys = None
    if noise is not None:
        params = cell.disturb(params, noise, batch)
        keys = noise.fold(Purpose.STEPS).of_steps(steps, batch) if cell.draws_each_step else None
    inputs = Inputs(xs, keys, mask, resets)
    _, chosen = _chosen(Request(cell, platform(), inputs), executor)
    recorded = AllStates(cell) if return_states else cell
    with _in_reverse_mode(chosen):
        final, ys = _run(chosen, recorded, truncate, params, state, inputs)
    chex.assert_trees_all_equal_shapes_and_dtypes(final, state)
    if return_states:
        ys, states = ys
        held = jax.tree.map(lambda leaf, last: jnp.broadcast_to(last, leaf.shape), states, final)
        states = states if mask is None else sequence.select(mask, states, held)
        ys = (ys, states)
    ys = sequence.flip(ys, lengths) if reverse else ys
    return (final, *ys) if return_states else (final, ys)


@dataclasses.dataclass(frozen=True)
class AllStates(Wrapper):
    """A cell that shows its whole state beside its output."""

    def output(self, params: Any, state: Any) -> Any:
        return super().output(params, state), state


@functools.partial(jax.jit, static_argnames=("executor", "cell", "window"))
def _run(
    executor: Executor, cell: Cell, window: int | None, params: Any, state: Any, inputs: Inputs
) -> tuple[Any, Any]:
    """Compiled here too, so that a call outside of any `jit` does not compile its loop anew."""
    run = executor.run
    if window is None or window >= len(inputs.xs):
        return run(cell, params, state, inputs)
    going_on = jnp.broadcast_to(
        (jnp.arange(len(inputs.xs)) >= window)[:, None], inputs.xs.shape[:2]
    )
    if inputs.mask is not None:
        going_on = going_on & inputs.mask  # what is held past an end has no step to be cut off

    def piece(state: Any, part: tuple[Array, Inputs]) -> tuple[Any, Any]:
        going_on, inputs = part
        cut = sequence.select(going_on[0], jax.lax.stop_gradient(state), state)
        return run(cell, params, cut, inputs)

    return sequence.over_chunks(piece, state, (going_on, inputs), window)


@contextlib.contextmanager
def _in_reverse_mode(executor: Executor) -> Iterator[None]:
    """Says which executor has no forward mode, where JAX speaks of a custom_vjp function."""
    try:
        yield
    except TypeError as error:
        if "can't apply forward-mode autodiff" not in str(error):
            raise
        raise TypeError(
            f"executor {executor} has reverse mode alone, and no forward mode as jvp and jacfwd "
            "need it; executor='scan' has both"
        ) from None


class Choice(NamedTuple):
    """Which executor serves a call, and why not each of the others; prints as a list of them."""

    name: str
    executor: Executor
    others: dict[str, str]

    def __str__(self) -> str:
        lines = [f"{self.name}: {self.executor}"]
        return "\n".join(lines + [f"not {name}: {why}" for name, why in self.others.items()])


def choose_executor(
    cell: Cell, executor: str | Executor = "auto", inputs: Inputs | None = None
) -> Choice:
    """The executor that `unroll` will use, without running it, and why not the others.

    Args:
        cell: the step.
        executor: as for `unroll`.
        inputs: what is run over, or `jax.ShapeDtypeStruct` for it; left out, any.

    Raises ValueError for an unknown name, TypeError for what is neither a name nor an executor,
    and ValueError for one that is asked for and cannot serve the call.

    >>> from lstm_jax import LSTM
    >>> print(choose_executor(LSTM(hidden_size=4)))
    fused: Fused()
    not scan: its gradient adds to the weight gradients at every step
    not checkpointed: it runs every step twice, to save memory
    not cudnn: it needs an NVIDIA GPU; this is cpu
    not pallas_tpu: it needs a TPU; this is cpu
    """
    arguments.check_cell(cell)
    request = Request(cell, platform(), inputs)
    name, chosen = _chosen(request, executor)
    others = {
        other: each.unsupported(request) or each.drawback
        for other, each in EXECUTORS.items()
        if type(each) is not type(chosen)
    }
    return Choice(name, chosen, others)


def _chosen(request: Request, executor: str | Executor) -> tuple[str, Executor]:
    """The executor for a call, and what it is called."""
    if isinstance(executor, str) and executor == "auto":
        serving = (item for item in EXECUTORS.items() if item[1].automatic)
        return next(item for item in serving if not item[1].unsupported(request))
    name, chosen = asked_for(executor)
    if reason := chosen.unsupported(request):
        raise ValueError(f"executor {name!r} cannot run {request.cell}: {reason}")
    return name, chosen
