"""Sessions of programs that train: variants side by side, and other devices half way."""

import dataclasses
import json
from typing import Any

import jax
import numpy as np
import pytest

from experiments.build import build
from experiments.config import Experiment, ModelSettings
from experiments.config.laid_over import Keys
from experiments.config.schema import Variant
from experiments.run.session import Session
from lstm_jax import LSTM
from lstm_jax.initializers import ForgetBias
from lstm_jax.tasks import Adding
from lstm_jax.training import SGD, Adam, TrainSettings
from tests.experiments.run.scripted import EXPERIMENT
from tests.experiments.run.sessions import Lines, lines_of


def test_what_a_variant_learns_is_what_it_learns_alone() -> None:
    """Learning rates, biases and seeds side by side in one compiled program, bit by bit."""
    train = dataclasses.replace(EXPERIMENT.train, max_sequences=40, log_every=5)
    small = dataclasses.replace(EXPERIMENT, train=train)
    single = [
        dataclasses.replace(small, optimizer=SGD(0.3)),
        dataclasses.replace(small, model=ModelSettings(LSTM(2, bias=ForgetBias(3.0)))),
        dataclasses.replace(small, train=dataclasses.replace(train, first_seed=1)),
    ]
    together = dataclasses.replace(
        small, variants=tuple(Variant(Keys({"n": n}), each) for n, each in enumerate(single))
    )

    def lines(experiment: Experiment) -> Lines:
        parts = build(experiment)
        run = Session(parts, experiment.train)
        run.start()
        found = lines_of(run)
        count = len(parts.labels)
        leaves = [
            [leaf.tolist() for leaf in jax.tree.leaves(run.params(member))]
            for member in range(count)
        ]
        return [*found, {"params": leaves}]

    apart = [lines(each) for each in single]
    for found, *alone in zip(lines(together), *apart, strict=True):
        for key in found.keys() & {"loss", "error", "correct", "params"}:
            assert found[key] == [value for each in alone for value in each[key]]
    assert len({json.dumps(each[-1]) for each in apart}) == 3


@pytest.mark.few(1)
@pytest.mark.parametrize("before, now", [(2, 1), (1, 2)])
@pytest.mark.parametrize("seeds", [3, 2])
def test_goes_on_over_other_devices_to_the_same_bits(seeds: int, before: int, now: int) -> None:
    train = TrainSettings(batch_size=2, max_sequences=12, log_every=3, seeds=seeds, side_by_side=1)
    tried = Experiment(Adding("bai2018", 20), ModelSettings(LSTM(2)), Adam(0.01), train)

    def begun(devices: int, earlier: Session | None = None) -> Session:
        run = Session(build(tried, jax.devices()[:devices]), train)
        if earlier is None:
            run.start()
            return run
        run.resume(json.loads(json.dumps(earlier.progress())))
        held = jax.device_get(earlier.saved())
        run.start(jax.tree.map(lambda a, like: jax.device_put(a, like.sharding), held, run.like))
        return run

    def ended(run: Session) -> Any:
        while not run.finished:
            run.advance()
        return jax.device_get(run.saved())

    first = begun(before)
    first.advance()
    jax.tree.map(np.testing.assert_array_equal, ended(begun(now, first)), ended(begun(before)))
