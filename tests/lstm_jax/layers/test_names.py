"""Every parameter has one name, and comes back from it; what is not there has none."""

import jax
import numpy as np
import pytest

from lstm_jax import LSTM, LearnedState
from lstm_jax.arguments import shapes
from lstm_jax.cells import CELLS, LSTMP
from lstm_jax.layers.names import AXES, axes_of, from_names, to_names
from tests.layer_cases import INPUTS, LAYERS, draw


def paths(names: dict) -> set[str]:
    found, _ = jax.tree.flatten_with_path(names)
    return {jax.tree_util.keystr(path, simple=True, separator="/") for path, _ in found}


@pytest.mark.parametrize("name", LAYERS)
def test_there_and_back(name: str) -> None:
    params = draw(LAYERS[name]).params
    again = from_names(shapes(LAYERS[name], INPUTS), to_names(params))
    assert jax.tree.structure(again) == jax.tree.structure(params)
    jax.tree.map(np.testing.assert_array_equal, again, params)


def test_names_are_what_a_checkpoint_shows() -> None:
    assert paths(to_names(draw(LAYERS["lstm"]).params)) == {"w_x", "w_h", "b"}
    assert paths(to_names(draw(LAYERS["deep"]).params)) == {
        *(
            f"layer_0/{way}/{name}"
            for way in ("forward", "backward")
            for name in ("w_x", "w_h", "b")
        ),
        *("layer_1/w_x", "layer_1/w_h", "layer_1/b"),
    }


def test_what_is_not_there_has_no_name() -> None:
    lean = shapes(LSTMP(3, projection_size=2), INPUTS)
    assert paths(to_names(lean)) == {"w_x", "w_h", "b", "w_p"}
    assert from_names(lean, to_names(lean)) == lean


def cell(name: str) -> LSTM:
    options = {"projection_size": 2} if name == "lstmp" else {}
    return CELLS[name](3, **options)


@pytest.mark.parametrize("name", CELLS)
def test_every_weight_of_every_cell_has_names_for_its_axes(name: str) -> None:
    for path, leaf in jax.tree.leaves_with_path(to_names(shapes(cell(name), INPUTS))):
        last = path[-1].key
        assert axes_of(last, len(leaf.shape), True) == AXES[last]
        named = [axis for axis in AXES[last] if axis]
        assert len(named) == len(set(named))


def test_a_learned_state_has_names_too() -> None:
    start = to_names(shapes(LearnedState(LSTM(3)), INPUTS))["start"]
    assert {name: axes_of(name, len(leaf.shape), True) for name, leaf in start.items()} == {
        "c": ("hidden",),
        "h": ("hidden",),
    }


def test_axes_are_renamed_or_left_out() -> None:
    assert axes_of("w_h", 2, {"gates": "model", "hidden": "data"}) == ("data", "model")
    assert axes_of("w_x", 2, {"gates": None}) == (None, None)
    assert axes_of("w_x", 2, False) is None
    assert axes_of("kernel", 2, True) is None
    assert axes_of("h", 2, True) is None


def test_an_unknown_axis_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown axis of the weights 'gate'; did you mean 'gates"):
        axes_of("w_x", 2, {"gate": "model"})
