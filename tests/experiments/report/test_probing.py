"""Diagnostics of a small run: of the seed and the sequences that they say, before and after."""

import jax
import numpy as np
import pytest

from experiments.build import Build, build
from experiments.config import load
from experiments.report.arms import Arm
from experiments.report.probing import (
    ROWS,
    Inside,
    conditions,
    drawn,
    held_out,
    ordered,
    sequences_at_once,
    shown,
)
from experiments.trained import Trained
from lstm_jax.diagnostics import gate_statistics
from lstm_jax.tasks import Adding, Copying, Text


def test_it_is_the_typical_seed(inside: Inside, real_arm: Arm) -> None:
    assert inside.seed == real_arm.seeds[real_arm.typical]
    assert (inside.step, inside.missing, inside.cells) == (20, [], ("layer 0",))


def test_before_and_after_are_told_apart(inside: Inside) -> None:
    assert inside.before.flows is not None
    assert inside.after.flows is not None
    before, after = inside.before.flows[0]["h"], inside.after.flows[0]["h"]
    assert before.shape == after.shape == (22,)
    assert not np.allclose(before, after)
    scales = inside.before.scales(0), inside.after.scales(0)
    assert all(each is not None and each.shape == (3,) for each in scales)


def test_the_scales_are_those_of_the_parameters_that_it_names(
    inside: Inside, real_arm: Arm, parts: Build, trained: Trained
) -> None:
    batch = held_out(parts.task, ROWS)
    place = real_arm.typical
    both = drawn(parts, place), trained.member(place)
    for params, found in zip(both, (inside.before, inside.after), strict=True):
        params = jax.tree.map(jax.numpy.asarray, params)
        (expected,) = gate_statistics(parts.model, params, batch.inputs, batch.lengths)
        np.testing.assert_allclose(found.scales(0), expected.time_scale, rtol=1e-5)


def test_the_example_is_a_whole_sequence(inside: Inside) -> None:
    example = inside.example
    steps = len(example.outputs)
    assert 20 <= steps <= 22
    assert example.inputs[-1, 1] == -1  # the marker of the last step
    assert {name: each.shape for name, each in example.traces[0].items()} == dict.fromkeys(
        "ifogch", (steps, 3)
    )
    assert list(example.traces[0]) == list("ifogch")
    np.testing.assert_allclose(
        example.traces[0]["h"],
        example.traces[0]["o"] * np.tanh(example.traces[0]["c"]),
        rtol=1e-4, atol=1e-6,
    )  # fmt: skip


def test_the_example_of_adding_has_its_marks_far_apart() -> None:
    task = Adding("hochreiter1997", length=40)
    batch = held_out(task, 30)
    marked = [np.flatnonzero(row == 1) for row in np.asarray(batch.inputs[..., 1]).T]
    gaps = [places[-1] - places[0] for places in marked]
    assert gaps[shown(task, batch)] == max(gaps) > 1
    assert shown(Copying("arjovsky2016", 5), batch) == 0


def test_memory_is_asked_of_steps_that_there_are(inside: Inside) -> None:
    assert inside.lags.min() == 1
    assert inside.lags.max() < 20
    assert inside.after.recall is not None
    assert inside.after.recall[0].shape == inside.lags.shape


def test_each_gate_is_held(inside: Inside) -> None:
    assert inside.ablation is not None
    assert set(inside.ablation.held[0]) == set("ifo")


def test_sequences_of_a_stream_end_a_lag_after_the_first_that_counts() -> None:
    task = Text("abcdefgh " * 1000, window=16, held_out=0.5, target_bits=1.0)
    batch = held_out(task, 3)
    assert batch.inputs.shape == (256 + 16, 3)
    assert np.asarray(batch.weights)[:256].sum() == 0


def test_wide_models_take_fewer_sequences(parts: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    assert sequences_at_once(parts) == ROWS
    monkeypatch.setattr("experiments.report.probing.MOST_NUMBERS", 22 * 3 * 5)
    assert sequences_at_once(parts) == 5
    monkeypatch.setattr("experiments.report.probing.MOST_NUMBERS", 1)
    assert sequences_at_once(parts) == 2


def test_before_is_what_the_seed_drew(parts: Build) -> None:
    key = jax.random.fold_in(jax.random.key(1), 0)  # of seed 1, for initial parameters
    expected = parts.model.init(key)
    found = drawn(parts, 1)
    assert jax.tree.all(jax.tree.map(np.array_equal, found, expected))


def test_what_has_no_answer_is_said(real_arm: Arm) -> None:
    config = real_arm.run.path / "config.yaml"
    both_ways = build(load(config, ["model.bidirectional=true", "train.seeds=1"]))
    params = drawn(both_ways, 0)
    missing: list[str] = []
    batch = held_out(both_ways.task, 4)
    before, after = conditions(
        both_ways.task, both_ways.model, (params, params), batch, np.array([1, 2]), missing
    )
    (sentence,) = missing
    assert sentence.startswith("There is no picture of the gradient: a bidirectional layer")
    assert before.flows is None
    assert after.decays is None
    assert before.scales(1) is not None


def test_traces_are_in_the_order_of_the_equations() -> None:
    assert ordered({"h": 0, "c": 0, "x": 0, "f": 0}) == ["x", "f", "c", "h"]
