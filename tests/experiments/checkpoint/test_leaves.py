"""Leaves: names, hashes of bytes, and how two sets of them differ."""

import hashlib
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from experiments.checkpoint.leaves import Leaf, describe, differences, named_leaves, parts
from tests.experiments.checkpoint.states import Record, draw, like


def test_leaves_are_named_by_their_path_and_none_is_no_leaf() -> None:
    state = {"params": [{"bias": 1}, None, {"bias": 2}], "record": Record(3, None)}
    names = {"params.0.bias": 1, "params.2.bias": 2, "record.wrong": 3}
    assert named_leaves(state) == names


def test_two_leaves_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match=r"two leaves of the state are called 'a\.b'"):
        named_leaves({"a": {"b": 1}, "a.b": 2})


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "int32", "uint32", "bool", "float16"])
@pytest.mark.parametrize("shape", [(), (2,), (2, 6), (4, 2, 2), (2, 0)])
def test_the_hash_is_that_of_the_bytes_in_memory_order(shape: tuple[int, ...], dtype: str) -> None:
    values = np.random.default_rng(len(shape)).normal(size=shape).astype(jnp.dtype(dtype))
    expected = Leaf(dtype, shape, hashlib.sha256(values.tobytes()).hexdigest())
    devices = np.array(jax.devices()[:2])
    specs = [PartitionSpec()]
    if shape:
        specs.append(PartitionSpec("x"))
    if shape[1:]:
        specs += [PartitionSpec(None, "x")] * (shape[1] > 0)
    for spec in specs:
        array = jax.device_put(values, NamedSharding(Mesh(devices, ("x",)), spec))
        assert describe(array, parts(array)) == expected
        assert sum(part.values.size for part in parts(array)) == array.size


def test_parts_hold_an_array_that_is_donated() -> None:
    add = jax.jit(lambda x: x + jnp.ones_like(x), donate_argnums=0)
    for array in (draw(0)["params"]["layers"][0]["bias"], jnp.arange(100_000.0)):
        before = np.array(array)
        held = parts(array)
        add(array).block_until_ready()
        assert np.array_equal(np.concatenate([part.values for part in held]), before)


def test_differences_name_leaves() -> None:
    state = {"a": jnp.zeros((2, 3)), "b": jnp.zeros(2, jnp.bfloat16), "c": jnp.int32(1)}
    saved = {name: describe(leaf, parts(leaf)) for name, leaf in state.items()}
    assert differences(saved, named_leaves(like(state))) == []
    wanted: dict[str, Any] = like({"a": jnp.zeros((3, 2)), "b": jnp.zeros(2), "d": jnp.int32(1)})
    assert differences(saved, wanted) == [
        "it has no d",
        "it has c besides",
        "a is float32 (2, 3) and not float32 (3, 2), b is bfloat16 (2,) and not float32 (2,)",
    ]


def test_of_many_differences_some_are_told() -> None:
    wanted = like({f"w{number}": jnp.int32(1) for number in range(9)})
    assert differences({}, wanted) == ["it has no w0, w1, w2, w3, w4 and 4 more"]
