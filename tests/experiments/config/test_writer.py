"""A dumped experiment says everything and is read back equal."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.config import Experiment, dump
from experiments.config.schema import Schema


def test_every_default_is_filled_in(
    read: Callable[..., Experiment], schema: Schema, example: str
) -> None:
    assert (
        dump(read(example), schema)
        == """\
title: example
task:
  name: adding
  variant: bai2018
  length: 20
model:
  cell: lstm
  hidden_size: 8
  bias:
    name: forget
    value: 1.0
  layers: 1
  bidirectional: false
  residual: false
  learned_state: false
  embedding_size: null
  dropout: 0.0
  recurrent_dropout: 0.0
  drop_connect: 0.0
  zoneout_c: 0.0
  zoneout_h: 0.0
  readout_bias: true
  readout_scale: null
  shortcut: false
  pretrained: null
  executor: auto
optimizer:
  name: adam
  learning_rate: 0.001
  schedule:
    name: constant
train:
  steps: 10
  seeds: [0]
  span: null
  until: null
  report:
    every: 100
  verbose: false
output:
  checkpoint_seconds: 60.0
  keep_checkpoints: 3
  log: []
diagnose:
  every: null
  sequences: 32
"""
    )


@pytest.mark.parametrize(
    "override",
    [
        "task={name: copying, delay: 7, marks: 2}",
        "model={cell: peephole, hidden_size: 3, bias: {name: chrono, t_max: 9}, dropout: 0.5}",
        "optimizer.schedule={name: cosine, warmup: 3, floor: 1e-7}",
        "train.span=[3, 1e-20]",
        "train.until=solved",
        "train.seeds=[]",
        "output.log=[wandb, tensorboard]",
        "output.checkpoint_seconds=1e-3",
        "diagnose={every: 200, sequences: 3}",
        "title='8'",
        "title=''",
        "title='null'",
        "title='a: \"b\" # c'",
    ],
)
def test_what_is_dumped_is_read_back(
    read: Callable[..., Experiment], schema: Schema, example: str, override: str
) -> None:
    experiment = read(example, override)
    assert experiment != read(example)
    assert read(dump(experiment, schema)) == experiment


@given(
    title=st.text(st.characters(exclude_categories=["Cs"])),
    rate=st.floats(min_value=0, exclude_min=True, allow_infinity=False),
    seeds=st.lists(st.integers(-(2**63), 2**63 - 1), max_size=4).map(tuple),
)
def test_any_value_survives(
    read: Callable[..., Experiment],
    schema: Schema,
    example: str,
    title: str,
    rate: float,
    seeds: tuple[int, ...],
) -> None:
    base = read(example)
    experiment = Experiment(
        title=title,
        task=base.task,
        model=base.model,
        optimizer=type(base.optimizer)(learning_rate=rate),
        train=type(base.train)(steps=1, seeds=seeds),
    )
    assert read(dump(experiment, schema)) == experiment
