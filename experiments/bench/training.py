"""`bench training`: ten seeds of adding, by the program that `run` runs, beside a PyTorch loop."""

import dataclasses
import math
import statistics
import time
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from experiments.bench import peers, timing
from experiments.bench.problem import WrongAnswer
from experiments.bench.timing import SPREAD, Timing, measure, milliseconds
from experiments.table import Table
from experiments.words import digits
from lstm_jax import LSTM
from lstm_jax.checks import Settings, Size
from lstm_jax.layers import SequenceModel, Stack
from lstm_jax.tasks import Adding, Batch
from lstm_jax.training import (
    Adam,
    Training,
    build_program,
    choose_mesh,
    group_width,
    members,
)

SEEDS = 10
LEARNING_RATE = 1e-3
CHECKED = 5
"""Updates from the same weights, on the same data, whose losses have to be the same."""
TOLERANCE = 1e-3
"""How far these losses may be from each other, of their value: Adam divides a gradient by its own
size, so that rounding moves weights whose gradient is nearly zero."""
MANY = 2**30
"""Updates that no measurement reaches."""


@dataclasses.dataclass(frozen=True)
class Setting(Settings):
    """Steps of a sequence, sequences of an update, units of the LSTM."""

    T: Size
    B: Size
    H: Size

    def __str__(self) -> str:
        return f"T={self.T} B={self.B} H={self.H}"

    @property
    def training(self) -> Training:
        """An LSTM with a linear readout on the adding problem, by Adam."""
        task = Adding("arjovsky2016", length=self.T)
        stack = Stack((LSTM(self.H),))
        model = SequenceModel(stack, task.input_size, task.output_size)
        return Training(task, model, Adam(LEARNING_RATE).build(MANY), self.B)


SETTINGS = (Setting(200, 50, 128), Setting(1000, 32, 8), Setting(1000, 1, 4))


@dataclasses.dataclass(frozen=True)
class Result:
    """Seconds per update and seed; `torch` is None where it was not measured."""

    setting: Setting
    mesh: dict[str, int]
    ours: Timing
    compile_seconds: float
    torch: Timing | None


class Program:
    """Our training of all seeds; a call makes `updates` of them each."""

    def __init__(self, setting: Setting, seeds: int) -> None:
        width = group_width(setting.training)
        self.mesh = choose_mesh(jax.devices(), -(-seeds // width), shares=1)
        who = members(range(seeds), LEARNING_RATE)
        program = build_program(setting.training, who, self.mesh, width)
        self._state = program.start()
        jax.clear_caches()
        began = time.perf_counter()
        self._run = program.run_steps.lower(self._state, np.int32(0), np.bool_(False)).compile()
        self.compile_seconds = time.perf_counter() - began
        self._made, self.updates = 0, 1
        self()
        began = time.perf_counter()
        self()
        self.updates = max(1, round(timing.ENOUGH / (time.perf_counter() - began)))

    def __call__(self) -> None:
        self._made += self.updates
        call = self._run(self._state, np.int32(self._made), np.bool_(False))
        self._state, self._standing = jax.block_until_ready(call)

    def check_all_ran(self) -> None:
        """Raises WrongAnswer where a seed has solved its task, after which it trains no further."""
        steps = np.asarray(self._standing.step)[np.asarray(self._standing.place) >= 0]
        if (steps != self._made).any():
            raise WrongAnswer(
                "a seed solved the task and stopped training; its time would not count"
            )


def run(setting: Setting, names: Sequence[str], rounds: int, seeds: int = SEEDS) -> Result:
    """Check that both loops train the same model in the same way, then time them in turn.

    Raises WrongAnswer where they do not, or where a seed stops before the end.
    """
    program = Program(setting, seeds)
    calls: dict[str, Any] = {"ours": program}
    if "torch" in names:
        theirs = peers.load_training("torch")
        check_losses(setting, theirs)
        calls["torch"] = theirs.Loop(setting.T, setting.B, setting.H, LEARNING_RATE).update
    timings = measure(calls, rounds)
    program.check_all_ran()
    return Result(
        setting=setting,
        mesh=dict(program.mesh.shape),
        ours=Timing(tuple(each / program.updates / seeds for each in timings["ours"].seconds)),
        compile_seconds=program.compile_seconds,
        torch=timings.get("torch"),
    )


def check_losses(setting: Setting, theirs: Any) -> None:
    """Raises WrongAnswer unless the losses of the first updates are the same."""
    training = setting.training
    params = jax.jit(training.model.init)(jax.random.key(0))
    optimizer = training.optimizer(LEARNING_RATE)
    state = jax.jit(optimizer.init)(params)
    loop = theirs.Loop(setting.T, setting.B, setting.H, LEARNING_RATE)
    loop.take_over(training.model, params)

    @jax.jit
    def update(params: Any, state: Any, batch: Batch) -> tuple[Any, Any, jax.Array]:
        def loss(params: Any) -> jax.Array:
            _, outputs = training.model.apply(
                params, batch.inputs, None, lengths=batch.lengths, noise=None
            )
            return training.task.score(outputs, batch).loss.mean()

        value, gradient = jax.value_and_grad(loss)(params)
        updates, state = optimizer.update(gradient, state, params)
        return optax.apply_updates(params, updates), state, value

    @jax.jit
    def draw(number: jax.Array) -> Batch:
        return training.task.sample(jax.random.key(number), setting.B)

    for number in range(CHECKED):
        batch = draw(jnp.int32(number))
        params, state, ours = update(params, state, batch)
        found = loop.learn(*map(np.array, (batch.inputs, batch.targets[-1])))
        if not math.isclose(found, ours, rel_tol=TOLERANCE):
            raise WrongAnswer(
                f"torch at {setting}: the loss of update {number + 1} is {found:.6g}, ours "
                f"{float(ours):.6g}, from the same weights on the same data"
            )


def table(results: Sequence[Result]) -> Table:
    """Milliseconds per update and seed."""
    rows = [
        (
            str(result.setting),
            f"{result.mesh['seeds']} × {result.mesh['data']}",
            milliseconds(result.ours),
            milliseconds(result.torch) if result.torch else "–",
            f"{result.torch.median / result.ours.median:.2f}" if result.torch else "–",
            digits(result.compile_seconds),
        )
        for result in results
    ]
    summary = summarise(results)
    notes = [
        SPREAD,
        f"{SEEDS} seeds of adding (arjovsky2016), Adam; drawing the data is counted for both. Ours "
        "trains all seeds at once, shared out over its devices by seeds × data; torch one after "
        "another, on a thread for every core.",
    ]
    if "times_as_fast_as_torch" in summary:
        mean = summary["times_as_fast_as_torch"]["geometric_mean"]
        notes.insert(0, f"Geometric mean: {mean:.2f} times as fast as torch.")
    columns = ("", "seeds × data", "ours, ms", "torch, ms", "torch / ours", "compile, s")
    return Table("Milliseconds per update and seed", columns, rows, tuple(notes))


def summarise(results: Sequence[Result]) -> dict[str, Any]:
    """Ratios to torch, where it was measured."""
    ratios = {
        str(result.setting): result.torch.median / result.ours.median
        for result in results
        if result.torch is not None
    }
    if not ratios:
        return {}
    mean = statistics.geometric_mean(ratios.values())
    return {"times_as_fast_as_torch": {"geometric_mean": mean, "by_setting": ratios}}
