"""The first bad quantity of a step that goes wrong in each of its parts."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import optax
import pytest

from lstm_jax.noise import Noise
from lstm_jax.training import SeedState, Training, first_bad
from lstm_jax.training.examine import examine
from lstm_jax.training.loop import run_steps, start
from tests.lstm_jax.training.plain import LongWalk, member

HUGE = 3e38
"""Finite, and twice as much is not."""


@dataclasses.dataclass(frozen=True)
class Roots:
    """Two parameters whose roots scale the inputs, of slopes that are infinite at nought, and one
    that the outputs do not depend on where the others are nought. Nothing is carried but `state`.
    """

    slope: float = 1.0

    def init(self, key: jax.Array) -> dict[str, Any]:
        return {"left": jnp.float32(1.0), "right": {"w": jnp.float32(1.0)}, "shift": jnp.zeros(1)}

    def initial_state(self, params: Any, batch_size: int) -> jax.Array:
        return jnp.zeros((batch_size, 1))

    def apply(
        self, params: Any, inputs: jax.Array, state: Any, *, lengths: Any, noise: Noise | None
    ) -> tuple[jax.Array, jax.Array]:
        roots = jnp.sqrt(jnp.stack([params["left"], params["right"]["w"]]))
        shift = params["shift"] - jax.lax.stop_gradient(params["shift"])
        return 2.0 * state, inputs @ roots[:, None] + self.slope * shift


def examined(
    optimizer: Any = optax.sgd, slope: float = 1.0, rate: float = 0.1, **learnt: Any
) -> tuple[str, SeedState]:
    """The verdict on a first step from some changed parameters, and the state after it."""
    training = Training(LongWalk(), Roots(slope), optimizer, batch_size=4)
    state = start(training, member(learning_rate=rate))
    params = state.learnt.params | {k: v for k, v in learnt.items() if k != "carry"}
    carry = learnt.get("carry", state.learnt.carry)
    state = state._replace(learnt=state.learnt._replace(params=params, carry=carry))
    finite = jax.jit(lambda state: examine(training, state))(state)
    lanes = jax.tree.map(lambda flag: jnp.stack([jnp.bool_(True), flag]), finite)
    assert first_bad(lanes, 0) == "none when computed again"
    ended = run_steps(training, state, jnp.int32(1), jnp.bool_(True))
    return first_bad(lanes, 1), ended


@pytest.mark.parametrize(
    "case, expected",
    [
        ({"left": jnp.float32(-1.0)}, "the loss"),
        ({"left": jnp.float32(0.0)}, "the gradient of left"),
        ({"right": {"w": jnp.float32(0.0)}}, "the gradient of right.w"),
        ({"slope": HUGE, "optimizer": optax.adam}, "the optimizer state"),
        ({"slope": 1e38, "rate": 1e3}, "the update of shift"),
        ({"shift": jnp.full(1, -HUGE), "rate": HUGE}, "the parameter of shift"),
        ({"carry": jnp.full((4, 1), HUGE)}, "the carried state"),
        ({}, "none when computed again"),
    ],
)
def test_names_what_is_bad_first(case: dict[str, Any], expected: str) -> None:
    """And the step itself is held to be bad where something is."""
    found, ended = examined(**case)
    assert found == expected
    assert (ended.health.failed_at == 0) == (expected != "none when computed again")
