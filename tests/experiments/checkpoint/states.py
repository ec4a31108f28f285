"""States to save: every dtype that training has, over the devices of the tests."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

SEEDS = 2


class Record(NamedTuple):
    wrong: Any
    solved_at: Any


def over(devices: int) -> NamedSharding:
    """Seeds over that many devices."""
    return NamedSharding(
        Mesh(np.array(jax.devices()[:devices]), ("seeds",)), PartitionSpec("seeds")
    )


def draw(number: int, devices: int = SEEDS) -> dict[str, Any]:
    """A state of random bits; `number` draws it."""
    rng = np.random.default_rng(number)
    by_seed = over(devices)

    def placed(values: np.ndarray) -> jax.Array:
        sharding = by_seed if values.ndim else NamedSharding(by_seed.mesh, PartitionSpec())
        return jax.make_array_from_callback(values.shape, sharding, values.__getitem__)

    def bits(shape: tuple[int, ...], dtype: Any) -> jax.Array:
        count = int(np.prod(shape)) * np.dtype(dtype).itemsize
        return placed(np.frombuffer(rng.bytes(count), dtype).reshape(shape))

    return {
        "params": {"layers": [{"bias": bits((SEEDS, 3), np.float32)}, None]},
        "half": bits((SEEDS, 2, 5), jnp.bfloat16),
        "key": bits((SEEDS, 2), np.uint32),
        "carry": None,
        "record": Record(
            wrong=placed(np.zeros((SEEDS, 0), np.int32)),
            solved_at=bits((SEEDS,), np.int32),
        ),
        "met": placed(rng.random((SEEDS, 4)) < 0.5),
        "step": placed(np.array(rng.integers(1000), np.int32)),
        "rate": jnp.float16(rng.random()),
    }


def like(state: Any, devices: int | None = None) -> Any:
    """How to restore a state: as it is, or over other devices."""

    def form(leaf: jax.Array) -> jax.ShapeDtypeStruct:
        sharding = leaf.sharding
        if devices is not None and isinstance(sharding, NamedSharding):
            sharding = NamedSharding(over(devices).mesh, sharding.spec)
        return jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding)

    return jax.tree.map(form, state)


def assert_same(actual: Any, expected: Any) -> None:
    """Structure, dtypes, shapes and bits are the same; NaNs are compared by their bits too."""
    assert jax.tree.structure(actual) == jax.tree.structure(expected)
    for a, b in zip(jax.tree.leaves(actual), jax.tree.leaves(expected), strict=True):
        assert (a.dtype, a.shape, np.asarray(a).tobytes()) == (
            *(b.dtype, b.shape, np.asarray(b).tobytes()),
        )
