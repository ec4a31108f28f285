from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from experiments.bench import ours
from experiments.bench.memory import BATCH, HIDDEN, LOSSES, Result, run, table
from lstm_jax.executors import EXECUTORS


def test_the_losses_are_of_what_their_names_say() -> None:
    final = SimpleNamespace(h=np.ones((3, 2)), c=np.zeros((3, 2)))
    ys: Any = 2 * np.ones((4, 3, 2), "float32")
    assert float(LOSSES["the final state"](final, ys)) == 6
    assert float(LOSSES["all outputs"](final, ys)) == 96


STEP = BATCH * HIDDEN * 4
"""Bytes of one array (B, H)."""


def test_fused_keeps_h_and_c_and_its_pullbacks_of_every_step() -> None:
    """Seven arrays: h, c, and what the four gates and tanh(c) need on the way back."""
    found = run("fused", "the final state", steps=(500, 1000)).temporary
    assert 2 <= (found[1000] - found[500]) / 500 / STEP <= 8
    assert found[1000] <= 12 * 1000 * STEP


def test_checkpointed_grows_by_the_root_of_the_steps() -> None:
    """Twice for four times the steps; a hundred thousand,."""
    found = run("checkpointed", "the final state", steps=(2500, 10_000, 100_000)).temporary
    assert found[10_000] < 3 * found[2500]
    assert found[2500] < 2500 * STEP
    assert found[100_000] < 300e6


def test_a_loss_of_all_outputs_keeps_them() -> None:
    found = run("checkpointed", "all outputs", steps=(2000,)).temporary
    assert found[2000] > 2000 * STEP


def test_who_cannot_serve_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    class Refusing(type(EXECUTORS["scan"])):
        def unsupported(self, request):
            return f"it refuses {request.inputs.xs.shape}"

    monkeypatch.setattr(ours, "EXECUTORS", {"scan": Refusing()})
    assert run("scan", "all outputs", (7,)).refusal == "it refuses (7, 8, 2)"


def test_the_table_is_in_megabytes() -> None:
    shown = table(
        [
            Result("scan", "all outputs", {1000: 1_234_000, 100_000: 234_000_000}),
            Result("cudnn", "the final state", {}, "it needs a GPU"),
            Result("cudnn", "all outputs", {}, "it needs a GPU"),
        ]
    )
    assert shown.columns == ("executor", "loss of", "T=1,000", "T=100,000")
    assert shown.rows == [("scan", "all outputs", "1.23", "234")]
    assert shown.notes[0] == "Not cudnn: it needs a GPU."
    assert len(shown.notes) == 2
