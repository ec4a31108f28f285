"""How the parameters of a cell begin.

Weights: `draw_weights` draws each gate's block on its own, orthogonal for the recurrent weights
unless asked otherwise, so that no gate inherits the scale of a (H, 4H) matrix. Biases: a gate
bias decides how long a cell remembers before it has learnt anything: with constant gates the
time scale of a unit is 1 / (1 - f), so the forget bias sets it and `Chrono` spreads it over a
range.
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import Annotated, Literal, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from annotated_types import Ge
from jax.typing import DTypeLike
from jaxtyping import Array, Float, PRNGKeyArray

from lstm_jax.checks import Settings, Size, check


def per_gate(
    initializer: Callable[[PRNGKeyArray, tuple[int, int], DTypeLike], Array],
    key: PRNGKeyArray,
    rows: int,
    columns: int,
    gates: int,
    dtype: DTypeLike,
) -> Float[Array, "{rows} {gates}*{columns}"]:
    """Draw `gates` independent (rows, columns) blocks and lay them side by side."""
    keys = jax.random.split(key, gates)
    blocks = jax.lax.map(lambda k: initializer(k, (rows, columns), dtype), keys)
    return jnp.concatenate(blocks, axis=-1)


class Weights(NamedTuple):
    """Weights and biases that every cell has, the gates packed along the last axis."""

    w_x: Float[Array, "I Z"]
    w_h: Float[Array, "R Z"]
    b: Float[Array, " Z"]


WeightsKind = Literal["orthogonal", "identity", "uniform"]
"""How weights begin: see `draw_weights`."""


def draw_weights(
    kind: WeightsKind,
    bias: "GateBias | None",
    key: PRNGKeyArray,
    roles: str,
    input_size: int,
    hidden_size: int,
    dtype: DTypeLike,
    feedback_size: int | None = None,
) -> Weights:
    """Draw the weights of gates of H units, to which R = `feedback_size` values feed back.

    Every letter of `roles` is a gate: `bias` gives its biases to "i", which writes, and to "f",
    which keeps.

    - "orthogonal": input weights uniform with variance 1/I (LeCun et al. 1998), recurrent ones
      orthogonal (Saxe et al. 2014), biases zero before `bias`;
    - "identity": the same, but every gate's recurrent weights the identity (Le et al. 2015);
    - "uniform": all of them U[-1/sqrt(H), 1/sqrt(H)], as torch draws them; its two biases a gate
      are added up here.
    """
    check_init(input_size, dtype)
    sizes = (input_size, feedback_size or hidden_size, hidden_size)
    return _draw_weights(kind, bias, key, roles, sizes, jnp.dtype(dtype))


@functools.partial(jax.jit, static_argnames=("kind", "bias", "roles", "sizes", "dtype"))
def _draw_weights(
    kind: WeightsKind,
    bias: "GateBias | None",
    key: PRNGKeyArray,
    roles: str,
    sizes: tuple[int, int, int],
    dtype: np.dtype,
) -> Weights:
    """All in one program: outside of a `jit` every operation would be compiled by itself."""
    input_size, feedback_size, hidden_size = sizes
    key_x, key_h, key_b = jax.random.split(key, 3)
    gates = len(roles)
    if bias is None:
        b = jnp.zeros(gates * hidden_size, dtype)
    else:
        zeros = jnp.zeros(hidden_size, dtype)
        b_i, b_f = bias(key_b, hidden_size, dtype)
        b = jnp.concatenate([{"i": b_i, "f": b_f}.get(role, zeros) for role in roles])

    def uniform(key: PRNGKeyArray, shape: tuple[int, ...], dtype: DTypeLike) -> Array:
        return jax.random.uniform(key, shape, dtype, -(hidden_size**-0.5), hidden_size**-0.5)

    lecun = jax.nn.initializers.lecun_uniform()
    recurrent_sizes = (feedback_size, hidden_size)
    if kind == "uniform":
        b = b + uniform(jax.random.fold_in(key_b, 0), (2, b.size), dtype).sum(axis=0)
    if kind == "identity":
        w_h = jnp.tile(jnp.eye(*recurrent_sizes, dtype=dtype), gates)
    else:
        recurrent = uniform if kind == "uniform" else orthogonal
        w_h = per_gate(recurrent, key_h, *recurrent_sizes, gates, dtype)
    inputs = uniform if kind == "uniform" else lecun
    return Weights(per_gate(inputs, key_x, input_size, hidden_size, gates, dtype), w_h, b)


def check_init(input_size: int, dtype: DTypeLike) -> None:
    """Hold what a cell's `init` is given to what it takes."""
    check("input_size", input_size, Size)
    if not jnp.issubdtype(dtype, jnp.floating):
        raise TypeError(f"dtype must be a floating-point type such as float32, got {dtype!r}")


def orthogonal(
    key: PRNGKeyArray, shape: tuple[int, int], dtype: DTypeLike = jnp.float32
) -> Float[Array, "rows columns"]:
    """A random matrix whose rows (or columns, if fewer) are orthonormal (Saxe et al. 2014).

    Drawn evenly from all such matrices: Gaussian vectors, each freed twice of those before it.
    `jax.nn.initializers.orthogonal` asks LAPACK, whose batched QR waits within XLA's own thread
    pool: as many devices as cores that initialise at once, one cell each, never finish.

    >>> q = orthogonal(jax.random.key(0), (3, 5))
    >>> bool(jnp.allclose(q @ q.T, jnp.eye(3), atol=1e-6))
    True
    """
    fewer, more = sorted(shape)
    gaussian = jax.random.normal(key, (fewer, more), dtype)

    def add_row(n: Array, basis: Array) -> Array:
        row = gaussian[n]
        for _ in range(2):
            row = row - (basis @ row) @ basis  # rows of the basis from n on are still zero
        return basis.at[n].set(row / jnp.linalg.norm(row))

    basis = jax.lax.fori_loop(0, fewer, add_row, jnp.zeros_like(gaussian))
    return basis if shape == (fewer, more) else basis.T


class GateBias(Protocol):
    """The initial biases of an input and a forget gate."""

    def __call__(
        self, key: PRNGKeyArray, hidden_size: int, dtype: DTypeLike
    ) -> tuple[Float[Array, " H"], Float[Array, " H"]]: ...


@dataclasses.dataclass(frozen=True)
class ForgetBias(Settings):
    """A constant forget bias, zero for the input gate (Gers et al. 2000; Jozefowicz et al. 2015).

    At 1 the forget gate begins at sigmoid(1) = 0.73 instead of 0.5.
    """

    value: float = 1.0

    def __call__(
        self, key: PRNGKeyArray, hidden_size: int, dtype: DTypeLike
    ) -> tuple[Float[Array, " H"], Float[Array, " H"]]:
        return jnp.zeros(hidden_size, dtype), jnp.full(hidden_size, self.value, dtype)


@dataclasses.dataclass(frozen=True)
class Chrono(Settings):
    """Time scales drawn uniformly from 2 to t_max steps (Tallec & Ollivier 2018, section 3).

        b_f = log u,  u ~ U[1, t_max - 1],  b_i = -b_f

    `t_max` is the longest dependency expected, in steps. Left out, an experiment takes it
    from its task; a cell that is initialised without it raises ValueError.

    >>> b_i, b_f = Chrono(t_max=100)(jax.random.key(0), 1000, jnp.float32)
    >>> scales = 1 / (1 - jax.nn.sigmoid(b_f))
    >>> bool((scales >= 2).all() and (scales <= 100.01).all() and (b_i == -b_f).all())
    True
    """

    t_max: Annotated[int, Ge(3)] | None = None

    def __call__(
        self, key: PRNGKeyArray, hidden_size: int, dtype: DTypeLike
    ) -> tuple[Float[Array, " H"], Float[Array, " H"]]:
        if self.t_max is None:
            raise ValueError("Chrono.t_max is not set; give the longest dependency in steps")
        forget = jnp.log(jax.random.uniform(key, (hidden_size,), dtype, 1.0, self.t_max - 1.0))
        return -forget, forget


GATE_BIASES: dict[str, type[ForgetBias] | type[Chrono]] = {"forget": ForgetBias, "chrono": Chrono}
