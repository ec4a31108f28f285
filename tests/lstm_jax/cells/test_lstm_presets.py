"""Variants with a name are the variant with options, and keep to them."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lstm_jax import LSTMVariant, unroll
from lstm_jax.cells import CELLS, JANET, LSTMP, NIG
from tests.cases import HIDDEN, INPUTS, draw
from tests.tolerances import CLOSE, assert_close

V: dict[str, Any] = {"peepholes": True}

OPTIONS: dict[str, dict[str, Any]] = {
    "peephole_lstm": V,
    "nig": V | {"input_gate": "none"},
    "nfg": V | {"forget_gate": False},
    "nog": V | {"output_gate": False},
    "niaf": V | {"input_activation": False},
    "noaf": V | {"output_activation": False},
    "np": {},
    "cifg": V | {"input_gate": "coupled"},
    "fgr": V | {"gate_recurrence": True},
    "janet": {
        "input_gate": "coupled",
        "coupled_shift": 1.0,
        "output_gate": False,
        "output_activation": False,
    },
    "layer_norm_lstm": {"layer_norm": True},
    "lstmp": {"projection_size": 2},
}


def preset(name: str) -> LSTMVariant:
    kind: Any = CELLS[name]
    return kind(HIDDEN, projection_size=2) if kind is LSTMP else kind(HIDDEN)


def test_every_preset_is_here() -> None:
    known = {name for name, kind in CELLS.items() if issubclass(kind, LSTMVariant)}
    assert known - {"lstm_variant"} == set(OPTIONS)


@pytest.mark.parametrize("name", OPTIONS)
def test_is_the_variant_with_these_options(name: str) -> None:
    cell, variant = preset(name), LSTMVariant(HIDDEN, **OPTIONS[name])
    fields = set(variant.__dataclass_fields__)
    assert {field: getattr(cell, field) for field in fields} == {
        field: getattr(variant, field) for field in fields
    }


@pytest.mark.parametrize("name", sorted(set(OPTIONS) - {"janet", "lstmp"}))
def test_keeps_to_what_its_name_says(name: str) -> None:
    """The option that makes it what it is takes no other value."""
    kind: Any = CELLS[name]
    own = [option for option in OPTIONS[name] if option in kind.__annotations__] or ["peepholes"]
    for option in own:
        value = OPTIONS[name].get(option, False)
        other = "own" if isinstance(value, str) else not value
        with pytest.raises(ValueError, match=option):
            kind(HIDDEN, **{option: other})


def test_other_options_are_open() -> None:
    cell = NIG(HIDDEN, projection_size=2, layer_norm=True)
    params: Any = cell.init(jax.random.key(0), INPUTS)
    assert params.w_p.shape == (HIDDEN, 2)
    assert params.norm.gain_x.shape == (3 * HIDDEN,)


def test_a_projection_has_to_be_given() -> None:
    with pytest.raises(TypeError, match="projection_size"):
        LSTMP(HIDDEN)  # type: ignore[call-arg]


def test_janet_shows_its_cell_state() -> None:
    """C = sigmoid(s) c + (1 - sigmoid(s - 1)) tanh(...), and h is c."""
    cell = JANET(HIDDEN)
    call = jax.tree.map(jnp.asarray, draw(cell, {"state"}, steps=1))
    params, (x,), state = call[:3]
    final, ys = unroll(cell, *call[:3])
    s, z = np.split(x @ params.w_x + state.h @ params.w_h + params.b, 2, axis=-1)
    f, i = 1 / (1 + np.exp(-s)), 1 - 1 / (1 + np.exp(1 - s))
    c = f * state.c + i * np.tanh(z)
    assert_close((final.c, final.h, ys[0]), (c, c, c), CLOSE["float32"])


SIZES = {"np": 72, "niaf": 81, "noaf": 81, "fgr": 162, "janet": 36, "lstmp": 66}
SIZES |= {"nig": 60, "nfg": 60, "nog": 60, "cifg": 60, "peephole_lstm": 81, "layer_norm_lstm": 102}


@pytest.mark.parametrize("name, count", SIZES.items())
def test_sizes(name: str, count: int) -> None:
    """A gate has H (I + H + 1) weights, and H of its peephole; its recurrence 9 H^2 for three."""
    params = jax.eval_shape(lambda: preset(name).init(jax.random.key(0), INPUTS))
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == count
    assert preset(name).output_size == (2 if name == "lstmp" else HIDDEN)
