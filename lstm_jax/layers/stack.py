"""Layers of cells: each runs over the outputs of the one below it.

A stack runs layer by layer, not step by step: every layer sees a whole sequence, so its
executor can treat the input's part of all steps as one matrix product.
"""

import contextlib
import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
from jax.typing import DTypeLike
from jaxtyping import Array, Float, PRNGKeyArray

from lstm_jax import arguments
from lstm_jax.cells import Cell, widen
from lstm_jax.checks import Fraction
from lstm_jax.layers.at_once import unroll_at_once
from lstm_jax.layers.base import Layer, unroll_layer
from lstm_jax.layers.bidirectional import Bidirectional
from lstm_jax.noise import Noise, Purpose, dropped


@dataclasses.dataclass(frozen=True)
class Stack(Layer):
    """Layers one above the other; parameters and states are tuples, the lowest layer first.

    Args:
        layers: cells and bidirectional pairs of cells.
        residual: whether every layer above the lowest adds its input to its output (Wu et al.
            2016); their widths are then all equal.
        dropout: share of the outputs between layers set to zero in training, given noise (Zaremba
            et al. 2014: never between the steps of a layer).

    Raises ValueError for no layers, for residual layers of unequal widths, for one layer that is
    to be residual or to have dropout, and for a pair of outputs that is not merged.

    >>> from lstm_jax import LSTM
    >>> stack = Stack((LSTM(hidden_size=4), LSTM(hidden_size=2)))
    >>> params = stack.init(jax.random.key(0), input_size=3)
    >>> states, ys = stack.unroll(params, jnp.zeros((10, 5, 3)))
    >>> ys.shape, states[0].h.shape
    ((10, 5, 2), (5, 4))
    """

    layers: tuple[Cell | Bidirectional, ...]
    residual: bool = False
    dropout: Fraction = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.layers:
            raise ValueError("Stack.layers is empty; a stack has at least one layer")
        widths = [layer.output_size for layer in self.layers]
        if len(self.layers) == 1 and (self.residual or self.dropout):
            given = "residual is True" if self.residual else f"dropout is {self.dropout}"
            raise ValueError(f"Stack.{given} but there is one layer; it acts between layers")
        if self.residual and len(set(widths)) > 1:
            raise ValueError(f"Stack.residual needs layers of one width, got {widths}")

    @property
    def output_size(self) -> int:
        return self.layers[-1].output_size

    @property
    def draws(self) -> bool:
        return self.dropout > 0 or any(layer.draws for layer in self.layers)

    def init(
        self, key: PRNGKeyArray, input_size: int, dtype: DTypeLike = jnp.float32
    ) -> tuple[Any, ...]:
        sizes = [input_size, *(layer.output_size for layer in self.layers)]
        keys = jax.random.split(key, len(self.layers))
        layers = zip(self.layers, keys, sizes, strict=False)
        return tuple(layer.init(k, size, dtype) for layer, k, size in layers)

    def initial_state(self, params: tuple[Any, ...], batch_size: int) -> tuple[Any, ...]:
        self._check_count("params", params)
        layers = zip(self.layers, params, strict=True)
        return tuple(layer.initial_state(p, batch_size) for layer, p in layers)

    def step(
        self, params: tuple[Any, ...], states: tuple[Any, ...], x: Float[Array, "B I"]
    ) -> tuple[tuple[Any, ...], Float[Array, "B H"]]:
        """Advance every layer by one step of time: gives what `unroll` gives, online.

        Raises ValueError for a bidirectional layer, which needs the whole sequence.
        """
        self._check_count("params", params)
        self._check_count("states", states)
        new = []
        for number, layer in enumerate(self.layers):
            if isinstance(layer, Bidirectional):
                raise ValueError("a bidirectional layer needs the whole sequence; it has no step")
            state, y = layer.step(widen(params[number]), states[number], x)
            x = x + y if self.residual and number else y
            new.append(state)
        return tuple(new), x

    def unroll(
        self,
        params: tuple[Any, ...],
        xs: Float[Array, "T B I"],
        state: tuple[Any, ...] | None = None,
        *,
        noise: Noise | None = None,
        **options: Any,
    ) -> Any:
        """Run all layers over sequences; arguments, returns and errors as `lstm_jax.unroll`."""
        states = (None,) * len(self.layers) if state is None else state
        self._check_count("params", params)
        self._check_count("states", states)
        arguments.check_noise(noise)
        with _named("layer 0"):
            done = self._unroll_at_once(params, xs, state, noise, options)
        if done is not None:
            return done

        def run(number: int, xs: Array, own: Noise | None) -> Any:
            layer, before = self.layers[number], states[number]
            final, ys, *rest = unroll_layer(layer, params[number], xs, before, noise=own, **options)
            return ys, (final, *rest)

        ys, results = self.through(xs, run, noise)
        finals, *all_states = zip(*results, strict=True)
        return (finals, ys, *all_states)

    def through(
        self,
        xs: Float[Array, "T B I"],
        run: Callable[[int, Array, Noise | None], tuple[Array, Any]],
        noise: Noise | None = None,
    ) -> tuple[Array, list[Any]]:
        """Hand sequences from layer to layer, whatever runs each of them.

        Args:
            xs: inputs (T, B, I) of the lowest layer.
            run: of a layer's number, inputs and noise: its outputs (T, B, H), and what else.
            noise: of which each layer gets its own; None draws nothing.

        Returns:
            The outputs of the highest layer, and what else `run` gave for each.
        """
        beside = []
        for number in range(len(self.layers)):
            own = None if noise is None else noise.fold(number)
            with _named(f"layer {number}"):
                ys, more = run(number, xs, own)
            xs = xs + ys if self.residual and number else ys
            if own is not None and number < len(self.layers) - 1:
                xs = dropped(xs, self.dropout, own.fold(Purpose.OUTPUTS))
            beside.append(more)
        return xs, beside

    def _unroll_at_once(
        self, params: Any, xs: Any, state: Any, noise: Noise | None, options: Any
    ) -> Any:
        """All layers in one run, where nothing stands between them and all run the same ways."""
        pairs = [layer for layer in self.layers if isinstance(layer, Bidirectional)]
        cells = [layer for layer in self.layers if isinstance(layer, Cell)]
        dropout = noise is not None and self.dropout > 0
        if (pairs and cells) or any(p.merge != "concat" for p in pairs) or self.residual or dropout:
            return None
        cells += [cell for pair in pairs for cell in (pair.forward, pair.backward)]
        return unroll_at_once(
            self, (*cells,), 2 if pairs else 1, params, xs, state, noise=noise, **options
        )

    def _check_count(self, what: str, given: Any) -> None:
        count = len(self.layers)
        if not isinstance(given, tuple) or hasattr(given, "_fields"):
            raise TypeError(
                f"the {what} of a stack are a tuple of those of its {count} layers, got "
                f"{type(given).__name__}"
            )
        if len(given) != count:
            raise ValueError(f"a stack of {count} layers needs as many {what}, got {len(given)}")


@contextlib.contextmanager
def _named(layer: str) -> Iterator[None]:
    """Errors of input that begin with the layer they are about."""
    try:
        yield
    except (TypeError, ValueError) as error:
        if type(error) not in (TypeError, ValueError):
            raise
        raise type(error)(f"{layer}: {error}") from error
