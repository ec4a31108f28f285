"""The members of a run in training: compiled calls, and what is known of each after them."""

import math
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.stages import Compiled, Wrapped

from experiments.build import Build
from experiments.distributed import fetch, from_first
from lstm_jax.tasks import Scores
from lstm_jax.training import MAX_IN_A_ROW, SeedState, Standing, TrainSettings, first_bad

CALL_SECONDS = 0.5
"""What a call takes, roughly, so that a signal or a save is never far away. Results do not depend
on it: totals are carried over the calls of a line of metrics."""


class Line(NamedTuple):
    """A line of metrics, and what it took."""

    metrics: dict[str, Any]
    timing: dict[str, Any]


class Session:
    """Advances all members by one compiled call at a time; touches no files and no terminal.

    Times count from `began`, on the clock of `time.perf_counter`; left out, from now. To that is
    added what came before in `seconds_before`.
    What the summary needs is kept on the host, so that a run can be told of whenever it ends.
    Construction traces the program: ValueError for a model that cannot be run as it is set.
    """

    states: SeedState
    like: SeedState
    """The shapes, dtypes and shardings of `saved`."""

    def __init__(
        self,
        parts: Build,
        settings: TrainSettings,
        began: float | None = None,
        diagnose_every: int | None = None,
        seconds_before: float = 0.0,
    ) -> None:
        self._program = parts.program
        self._settings = settings
        self._diagnose_every = diagnose_every
        self._process_began = time.perf_counter() if began is None else began
        self._began = self._process_began - seconds_before
        self._seeds = parts.members.seed.tolist()
        count = len(self._seeds)
        self.step = 0
        self._line_begins = True
        self._train = {key: np.full(count, np.nan) for key in Scores._fields}
        self._test: dict[str, list[float]] | None = None
        self._solved_at, self._failed_at, self._tested_at = (np.full(count, -1) for _ in range(3))
        self._bad_steps, self._seen = (np.zeros(count, int) for _ in range(2))
        self._first_bad: dict[int, str] = {}
        self._compile_seconds = 0.0
        self._first_step_seconds: float | None = None
        self._steps_a_call = 1
        self._evaluate: Compiled | None = None
        self._diagnose: Compiled | None = None
        traced = time.perf_counter()
        states = jax.eval_shape(parts.program.start)
        self.like = jax.eval_shape(parts.program.by_member, states, np.zeros(count, np.int32))
        self._traced = parts.program.run_steps.lower(states, np.int32(0), np.bool_(True))
        if settings.online:  # whose step asks no executor
            jax.eval_shape(
                parts.program.evaluate, states, np.zeros(parts.program.lanes.count, bool)
            )
        self._compiled_since(traced)

    def start(self, restored: SeedState | None = None) -> None:
        """Compile what the run needs; begin with what `saved` gave, or draw initial parameters."""
        began = time.perf_counter()
        pool = ThreadPoolExecutor()  # XLA compiles outside the interpreter's lock
        try:
            run_steps = pool.submit(self._traced.compile)
            if restored is None:
                self.states = pool.submit(self._program.start.lower().compile).result()()
            else:
                health, record = restored.health, restored.record
                known = (record.solved_at, health.failed_at, health.bad_steps, restored.step)
                self._solved_at, self._failed_at, self._bad_steps, self._seen = fetch(known)
                self.states = self._program.in_lanes(restored)
            self._run_steps = run_steps.result()
        finally:
            pool.shutdown(wait=False)  # an exception, as of a signal, does not wait for XLA
        self._compiled_since(began)
        self._first_step_seconds = time.perf_counter() - self._process_began
        self._line_began = time.perf_counter()

    @property
    def finished(self) -> bool:
        """Whether every member has stopped or used up its sequences."""
        return self.step >= self._settings.max_steps or not self._running.any()

    @property
    def diverged(self) -> bool:
        """Whether every member has failed."""
        return bool((self._failed_at >= 0).all())

    @property
    def solved(self) -> list[bool]:
        """Whether each member has solved the task."""
        return (self._solved_at >= 0).tolist()

    def advance(self) -> Line | None:
        """Make one call; a line of metrics where it was the last one of a line.

        A member that made no sound step since the last line has None there.
        """
        settings, began = self._settings, time.perf_counter()
        line_ends = min(
            (self.step // settings.log_every + 1) * settings.log_every, settings.max_steps
        )
        until = min(self.step + self._steps_a_call, line_ends)
        afresh = np.bool_(self._line_begins)
        self.states, standing = self._run_steps(self.states, np.int32(until), afresh)
        mine = self._observe(fetch(standing))
        self.step = until if self._running.any() else line_ends
        self._line_begins = self.step == line_ends
        self._pace(time.perf_counter() - began)
        return self._line(mine) if self._line_begins else None

    def evaluate(self) -> dict[str, list[float]]:
        """Score on its test sequences every member that has learnt since it was last scored."""
        due = self._seen != self._tested_at
        if due.any():
            lanes = self._lanes(fetch(self.states.member.place))
            asked = np.zeros(self._program.lanes.count, bool)
            asked[lanes[due]] = True
            if self._evaluate is None:
                self._evaluate = self._compiled(self._program.evaluate, asked)
            self.states, standing, scores = self._evaluate(self.states, asked)
            standing, scores = fetch((standing, scores))
            self._observe(standing)
            self._tested_at = self._seen
            named = scores._asdict().items()
            new = {f"test_{key}": np.asarray(values)[lanes] for key, values in named}
            old = self._test or new
            self._test = {key: np.where(due, new[key], old[key]).tolist() for key in new}
        assert self._test is not None
        return self._test

    def diagnose(self) -> dict[str, list[float | None]]:
        """What there is to tell of every member's gates, by name."""
        if self._diagnose is None:
            self._diagnose = self._compiled(self._program.diagnose)
        told = fetch((self.states.member.place, self._diagnose(self.states)))
        lanes = self._lanes(told[0])
        return {key: _nullable(values[lanes]) for key, values in told[1].items()}

    def saved(self) -> SeedState:
        """The states with an axis of members, in new arrays: what a checkpoint holds."""
        lanes = self._lanes(fetch(self.states.member.place))
        return self._program.by_member(self.states, lanes.astype(np.int32))

    def params(self, member: int) -> Any:
        """The parameters of a member."""
        lane = self._lanes(fetch(self.states.member.place))[member]
        params = fetch(self.states.learnt.params)
        return jax.tree.map(lambda leaf: jnp.asarray(leaf[lane]), params)

    def progress(self) -> dict[str, Any]:
        """All that is not in `states`, as JSON has it; `resume` takes it."""
        return {
            "step": self.step,
            "line_begins": bool(self._line_begins),
            "train": {key: _nullable(values) for key, values in self._train.items()},
            "test": self._test,
            "first_bad": [[member, what] for member, what in self._first_bad.items()],
            "seconds": self._seconds,
            "compile_seconds": self._compile_seconds,
        }

    def resume(self, progress: dict[str, Any]) -> None:
        """Go on from where another session was; before `start`, which takes its states."""
        self.step, self._line_begins = progress["step"], progress["line_begins"]
        self._train = {key: np.array(values, float) for key, values in progress["train"].items()}
        self._test = progress["test"]
        self._first_bad = dict(progress["first_bad"])
        self._began -= progress["seconds"]
        self._compile_seconds += progress["compile_seconds"]

    def summary(self, status: str) -> dict[str, Any]:
        """What `summary.json` says of the members and the time they took."""
        train = {f"train_{key}": values.tolist() for key, values in self._train.items()}
        test = self._test or dict.fromkeys(f"test_{key}" for key in self._train)
        return {
            "status": status,
            "step": self.step,
            "seeds": self._seeds,
            "solved": self.solved,
            "sequences_to_solve": [int(n) if n >= 0 else None for n in self._solved_at],
            "sequences_seen": (self._seen * self._settings.batch_size).tolist(),
            "failed": self.failed,
            "bad_steps": self._bad_steps.tolist(),
            "final": train | test,
            "times": {
                "wall_seconds": self._seconds,
                "compile_seconds": self._compile_seconds,
                "seconds_to_first_step": self._first_step_seconds,
            },
        }

    @property
    def failed(self) -> list[dict[str, Any] | None]:
        """Of each member that has failed: the step before which it stopped, and the first number
        of that step that was not finite.
        """
        in_a_row = 1 if self._settings.on_nonfinite == "stop" else MAX_IN_A_ROW
        return [
            {"step": int(step), "first_bad": self._first_bad[member], "bad_in_a_row": in_a_row}
            if step >= 0
            else None
            for member, step in enumerate(self._failed_at)
        ]

    @property
    def _running(self) -> np.ndarray:
        return (self._solved_at < 0) & (self._failed_at < 0)

    @property
    def _seconds(self) -> float:
        return time.perf_counter() - self._began

    def _compiled(self, function: Wrapped, *arguments: np.ndarray) -> Compiled:
        began = time.perf_counter()
        compiled = function.lower(self.states, *arguments).compile()
        self._compiled_since(began)
        return compiled

    def _compiled_since(self, began: float) -> None:
        self._compile_seconds += time.perf_counter() - began

    def _pace(self, seconds: float) -> None:
        """Choose the steps of the next call; all processes of a run choose alike."""
        paced = self._steps_a_call
        if seconds < CALL_SECONDS / 2:
            paced = min(2 * paced, self._settings.log_every)
        elif seconds > 2 * CALL_SECONDS:
            paced = max(1, paced // 2)
        self._steps_a_call = int(from_first(np.array(paced, np.int32)))

    def _lanes(self, place: np.ndarray) -> np.ndarray:
        """The lane of each member."""
        return np.argsort(place, kind="stable")[-len(self._seeds) :]

    def _observe(self, standing: Standing) -> Standing:
        """Take over what a call tells; returns it for each member."""
        lanes = self._lanes(np.asarray(standing.place))
        mine: Standing = jax.tree.map(lambda values: np.asarray(values)[lanes], standing)
        failed = np.flatnonzero((mine.failed_at >= 0) & (self._failed_at < 0))
        if failed.size:
            finite = fetch(self._program.examine(self.states))
            for member in failed:
                self._first_bad[int(member)] = first_bad(finite, int(lanes[member]))
        self._solved_at, self._failed_at, self._bad_steps, self._seen = map(
            np.asarray, (mine.solved_at, mine.failed_at, mine.bad_steps, mine.step)
        )
        self._standing = standing
        return mine

    def _line(self, mine: Standing) -> Line:
        settings, totals = self._settings, mine.totals
        line: dict[str, Any] = {"step": self.step, "sequences": self.step * settings.batch_size}
        for key in self._train:
            mean = getattr(totals, key) / np.maximum(totals.steps, 1)
            self._train[key] = np.where(totals.steps > 0, mean, self._train[key])
            line[key] = _nullable(np.where(totals.steps > 0, mean, np.nan))
        if settings.on_nonfinite != "stop":
            line["bad_steps"] = self._bad_steps.tolist()
        if settings.evaluate_every and self.step % settings.evaluate_every == 0:
            line |= self.evaluate()
        if self._diagnose_every and self.step % self._diagnose_every == 0:
            line |= self.diagnose()
        order = self._program.lanes.packed(np.asarray(self._standing.running))
        if order is not None:
            self.states = self._program.reorder(self.states, order.astype(np.int32))
        now = time.perf_counter()
        rate = float(totals.steps.sum()) * settings.batch_size / (now - self._line_began)
        self._line_began = now
        timing = {"step": self.step, "seconds": self._seconds, "sequences_per_second": rate}
        return Line(line | {"solved": self.solved}, timing)


def _nullable(values: np.ndarray) -> list[float | None]:
    """Numbers as JSON has them."""
    return [float(value) if math.isfinite(value) else None for value in values]
