"""Parameters by name, as Flax and its checkpoints keep them: nested dicts of strings.

    a cell                  w_x, w_h, b, ...                a field that is None is not there
    a pair of directions    forward/w_x, backward/w_x, ...
    a stack                 layer_0/w_x, layer_1/forward/w_x, ...

Every weight has an axis name for each of its axes, for those who spread it over devices.
"""

from collections.abc import Mapping
from typing import Any

from lstm_jax.checks import named as look_up

Axes = tuple[str | None, ...]
"""A name for each axis of an array, None for one without."""

AXES: dict[str, Axes] = {
    "w_x": ("features", "gates"),
    "w_h": ("hidden", "gates"),
    "w_gates": ("hidden", "gates"),
    "w_p": ("hidden", "projection"),
    "b": ("gates",),
    "b_u": ("gates",),
    "p_i": ("hidden",),
    "p_f": ("hidden",),
    "p_o": ("hidden",),
    "gain_x": ("gates",),
    "gain_h": ("gates",),
    "gain_c": ("hidden",),
    "bias_c": ("hidden",),
    "c": ("hidden",),
    "h": ("hidden",),
}
"""The axes of a weight by its name: "gates" are the packed gates, which every product writes."""

AXIS_NAMES = tuple(dict.fromkeys(name for axes in AXES.values() for name in axes if name))


def to_names(params: Any) -> Any:
    """Parameters as nested dicts by name; None where there is none.

    >>> import jax
    >>> from lstm_jax import LSTM, Stack
    >>> params = Stack((LSTM(hidden_size=2),)).init(jax.random.key(0), input_size=3)
    >>> {name: sorted(layer) for name, layer in to_names(params).items()}
    {'layer_0': ['b', 'w_h', 'w_x']}
    """
    if isinstance(params, dict):
        items = dict(params)
    elif hasattr(params, "_fields"):
        items = params._asdict()
    elif isinstance(params, tuple):
        items = {f"layer_{number}": layer for number, layer in enumerate(params)}
    else:
        return params
    return {name: to_names(value) for name, value in items.items() if value is not None}


def from_names(like: Any, names: Any) -> Any:
    """The inverse of `to_names`, for parameters built like `like`."""
    if like is None:
        return None
    if isinstance(like, dict):
        return {name: from_names(value, names[name]) for name, value in like.items()}
    if hasattr(like, "_fields"):
        fields = like._asdict().items()
        return type(like)(*(from_names(value, names.get(name)) for name, value in fields))
    if isinstance(like, tuple):
        return tuple(from_names(v, names[f"layer_{number}"]) for number, v in enumerate(like))
    return names


def axes_of(name: str, ndim: int, sharding: bool | Mapping[str, str | None]) -> Axes | None:
    """Axis names of a weight, or None for one that has none.

    Args:
        name: its name, as in `AXES`.
        ndim: how many axes it has.
        sharding: True for the names of `AXES`, False for none, or a mapping from them to others,
            such as {"gates": "model"}; an axis that it leaves out has no name.

    Raises ValueError for a mapping from a name that is no axis.

    >>> axes_of("w_x", 2, {"gates": "model"})
    (None, 'model')
    """
    renamed = dict(zip(AXIS_NAMES, AXIS_NAMES, strict=True))
    if isinstance(sharding, Mapping):
        for axis in sharding:
            look_up("axis of the weights", axis, renamed)
        renamed = dict(sharding)  # type: ignore[arg-type]
    elif not isinstance(sharding, bool):
        raise TypeError(
            f"sharding must be True, False or a mapping of axis names, got {sharding!r}"
        )
    elif not sharding:
        return None
    axes = AXES.get(name, ())
    return tuple(renamed.get(axis or "") for axis in axes) if len(axes) == ndim > 0 else None
