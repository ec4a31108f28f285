"""The digits of scikit-learn, as they are there, or a sentence."""

import importlib.util

import numpy as np
import pytest
from sklearn.datasets import load_digits

from experiments.digits import Digits


def test_digits_are_those_of_scikit_learn() -> None:
    task = Digits("pixels", permutation=3, held_out=0.25, max_error=0.1).load()
    found = load_digits()
    assert (task.order, task.permutation, task.held_out, task.max_error) == ("pixels", 3, 0.25, 0.1)
    np.testing.assert_array_equal(task.images.pixels * 16, found.images)
    np.testing.assert_array_equal(task.images.labels, found.target)
    assert task.images.pixels.min() == 0
    assert task.images.pixels.max() == 1


def test_the_cut_is_fixed() -> None:
    task = Digits("rows").load()
    assert (len(task.training), task.test_size, task.output_size) == (1433, 364, 10)
    assert (task.training[:3].tolist(), task.testing[:3].tolist()) == (
        [0, 1, 2],
        [1423, 1427, 1433],
    )


def test_a_missing_package_is_named_with_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(
        ValueError, match=r"not installed: pip install 'lstm_jax\[digits\]'"
    ) as told:
        Digits("rows").load()
    assert "\n" not in str(told.value)
