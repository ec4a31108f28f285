"""The seeds of a run in training: compiled calls, and what is known of each seed after them."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lstm_jax.tasks import Scores
from lstm_jax.training import Program, SeedState, Totals, TrainSettings


class Session:
    """Advances all seeds by one compiled call at a time; touches no files and no terminal.

    Times count from `began`, on the clock of `time.perf_counter`; left out, from now.
    What the summary needs is kept on the host, so that a run can be told of whenever it ends.
    Construction traces the program: ValueError for a model that cannot be run as it is set.
    """

    states: SeedState

    def __init__(
        self, program: Program, settings: TrainSettings, began: float | None = None
    ) -> None:
        self._program = program
        self._settings = settings
        self._began = time.perf_counter() if began is None else began
        self._first_step_seconds: float | None = None
        self._step = 0
        self._steps = np.zeros(settings.seeds, int)
        self._solved_at = np.full(settings.seeds, -1)
        self._train = {key: np.full(settings.seeds, np.nan) for key in Scores._fields}
        self._test: dict[str, list[float]] | None = None
        began = time.perf_counter()
        self._seeds = jnp.asarray(settings.seed_numbers)
        states = jax.eval_shape(program.start, self._seeds)
        self._traced = (
            program.start.lower(self._seeds),
            program.run_steps.lower(states, jnp.int32(0)),
        )
        self._compile_seconds = time.perf_counter() - began

    def start(self) -> None:
        """Compile what every run needs, and draw the initial parameters."""
        began = time.perf_counter()
        with ThreadPoolExecutor() as pool:  # XLA compiles outside the interpreter's lock
            start, run_steps = (pool.submit(traced.compile) for traced in self._traced)
            self.states = start.result()(self._seeds)
            self._run_steps = run_steps.result()
        now = time.perf_counter()
        self._compile_seconds += now - began
        self._first_step_seconds = now - self._began

    @property
    def finished(self) -> bool:
        """Whether every seed has solved the task or used up its sequences."""
        return self._step >= self._settings.max_steps or all(self.solved)

    @property
    def diverged(self) -> bool:
        """Whether no seed that still trains has a finite loss."""
        loss = self._train["loss"][self._solved_at < 0]
        return self._step > 0 and loss.size > 0 and not np.isfinite(loss).any()

    @property
    def solved(self) -> list[bool]:
        """Whether each seed has solved the task."""
        return (self._solved_at >= 0).tolist()

    def advance(self) -> dict[str, Any]:
        """Make one call and return its line of metrics; a seed that made no step has None."""
        settings, began = self._settings, time.perf_counter()
        self._step = min(self._step + settings.log_every, settings.max_steps)
        self.states, totals = self._run_steps(self.states, jnp.int32(self._step))
        steps = self._observe(totals)
        rate = steps.sum() * settings.batch_size / (time.perf_counter() - began)
        line: dict[str, Any] = {
            "step": self._step,
            "sequences": self._step * settings.batch_size,
        }
        for key, values in self._train.items():
            line[key] = [v if n else None for v, n in zip(values.tolist(), steps, strict=True)]
        if settings.evaluate_every and self._step % settings.evaluate_every == 0:
            line |= self.evaluate()
        seconds = time.perf_counter() - self._began
        return line | {"solved": self.solved, "sequences_per_second": rate, "seconds": seconds}

    def evaluate(self) -> dict[str, list[float]]:
        """Score every seed on its test sequences."""
        if self._test is None:
            began = time.perf_counter()
            self._evaluate = self._program.evaluate.lower(self.states).compile()
            self._compile_seconds += time.perf_counter() - began
        self.states, scores = self._evaluate(self.states)
        self._solved_at = np.array(self.states.record.solved_at)
        self._test = {f"test_{key}": np.asarray(v).tolist() for key, v in scores._asdict().items()}
        return self._test

    def summary(self, status: str) -> dict[str, Any]:
        """What `summary.json` says of the seeds and the time they took."""
        train = {f"train_{key}": values.tolist() for key, values in self._train.items()}
        test = self._test or dict.fromkeys(f"test_{key}" for key in self._train)
        return {
            "status": status,
            "seeds": list(self._settings.seed_numbers),
            "solved": self.solved,
            "sequences_to_solve": [int(n) if n >= 0 else None for n in self._solved_at],
            "sequences_seen": (self._steps * self._settings.batch_size).tolist(),
            "final": train | test,
            "wall_seconds": time.perf_counter() - self._began,
            "compile_seconds": self._compile_seconds,
            "seconds_to_first_step": self._first_step_seconds,
        }

    def _observe(self, totals: Totals) -> np.ndarray:
        """Take over the means of a call; returns the steps that each seed made in it."""
        sums = jax.device_get(totals)
        for key in self._train:
            mean = getattr(sums, key) / np.maximum(sums.steps, 1)
            self._train[key] = np.where(sums.steps > 0, mean, self._train[key])
        self._steps += sums.steps
        self._solved_at = np.array(self.states.record.solved_at)
        return sums.steps
