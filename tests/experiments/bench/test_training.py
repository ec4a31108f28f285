import dataclasses
import types
from typing import Any, ClassVar

import jax
import numpy as np
import pytest

from experiments.bench import peers, timing, training
from experiments.bench.problem import WrongAnswer
from experiments.bench.timing import Timing
from experiments.bench.training import (
    LEARNING_RATE,
    Result,
    Setting,
    check_losses,
    run,
    summarise,
    table,
)

SMALL = Setting(T=20, B=2, H=2)
OPTIMIZER = SMALL.training.optimizer(LEARNING_RATE)


class Loop:
    """Another framework's loop, played by our own functions; `rate` spoils its updates."""

    rate = 1.0
    made: ClassVar[list[Any]] = []

    def __init__(self, *_: Any) -> None:
        self.training = SMALL.training
        self.made.append(self)
        self.updates = 0

    def take_over(self, model: Any, params: Any) -> None:
        assert model == self.training.model
        self.params, self.state = params, jax.jit(OPTIMIZER.init)(params)

    def learn(self, inputs: np.ndarray, targets: np.ndarray) -> float:
        assert (inputs.shape, targets.shape) == ((20, 2, 2), (2, 1))
        value, updates, self.state = learn(self.params, self.state, inputs, targets)
        self.params = jax.tree.map(lambda p, u: p + self.rate * np.array(u), self.params, updates)
        return float(value)

    def update(self) -> None:
        self.updates += 1


@jax.jit
def learn(params: Any, state: Any, inputs: jax.Array, targets: jax.Array) -> Any:
    """The loss of some data, and Adam's updates."""

    def loss(params: Any) -> jax.Array:
        outputs = SMALL.training.model.apply(params, inputs, None, lengths=None, noise=None)[1]
        return ((outputs[-1] - targets) ** 2).mean()

    value, gradient = jax.value_and_grad(loss)(params)
    return value, *OPTIMIZER.update(gradient, state, params)


@pytest.fixture
def torch(monkeypatch: pytest.MonkeyPatch) -> type[Loop]:
    fresh = type("Fresh", (Loop,), {"made": []})
    monkeypatch.setattr(peers, "load_training", lambda name: types.SimpleNamespace(Loop=fresh))
    return fresh


def test_both_are_timed_per_update_and_seed(
    torch: type[Loop], monkeypatch: pytest.MonkeyPatch
) -> None:
    def measure(calls: Any, rounds: int) -> Any:
        calls["ours"]()
        calls["torch"]()
        updates = calls["ours"].updates
        return {"ours": Timing((18.0 * updates,) * rounds), "torch": Timing((7.0,) * rounds)}

    checked: list[Any] = []
    monkeypatch.setattr(training, "check_losses", lambda *call: checked.append(call))
    monkeypatch.setattr(training, "measure", measure)
    monkeypatch.setattr(timing, "ENOUGH", 0.0)
    found = run(SMALL, ["torch"], rounds=2, seeds=9)
    ((setting, theirs),) = checked
    assert (setting, theirs.Loop) == (SMALL, torch)
    assert found.ours.seconds == (2.0, 2.0)
    assert found.torch == Timing((7.0, 7.0))
    assert found.mesh == {"seeds": 2, "data": 1}  # groups of eight, whole batches
    assert found.compile_seconds > 0
    assert torch.made[-1].updates == 1


@pytest.mark.parametrize("steps, all_ran", [([3, 3, 0], True), ([3, 2, 0], False)])
def test_a_seed_that_stopped_would_not_count(steps: list[int], all_ran: bool) -> None:
    """And the last lane, which no seed has, is none."""
    standing = types.SimpleNamespace(step=steps, place=[1, 0, -1])
    program: Any = types.SimpleNamespace(_standing=standing, _made=3)
    if all_ran:
        training.Program.check_all_ran(program)
    else:
        with pytest.raises(WrongAnswer, match="a seed solved the task and stopped training"):
            training.Program.check_all_ran(program)


def test_the_same_training_passes(torch: type[Loop]) -> None:
    check_losses(SMALL, types.SimpleNamespace(Loop=torch))


def test_another_learning_rate_is_noticed(torch: type[Loop]) -> None:
    torch.rate = 2.0
    with pytest.raises(WrongAnswer, match=r"torch at T=20 B=2 H=2: the loss of update \d is"):
        check_losses(SMALL, types.SimpleNamespace(Loop=torch))


def test_the_table_gives_ratios_and_their_mean() -> None:
    mesh = {"seeds": 2, "data": 1}
    results = [
        Result(SMALL, mesh, Timing((0.002,)), 1.0, Timing((0.008,))),
        Result(Setting(30, 2, 2), mesh, Timing((0.002,)), 1.0, Timing((0.018,))),
    ]
    found = summarise(results)["times_as_fast_as_torch"]
    assert found["geometric_mean"] == pytest.approx(6.0)
    alone = dataclasses.replace(results[0], torch=None)
    assert summarise([alone]) == {}
    assert table([alone]).rows[0][3:5] == ("–", "–")
    shown = table(results)
    assert shown.rows[0] == ("T=20 B=2 H=2", "2 × 1", "2.00 ±0%", "8.00 ±0%", "4.00", "1.00")
    assert shown.notes[0] == "Geometric mean: 6.00 times as fast as torch."
