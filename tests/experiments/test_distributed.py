"""One run over two processes on loopback, each with a CPU device of its own."""

import json
import socket
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import Mesh

from experiments.distributed import (
    any_of,
    fetch,
    first,
    from_first,
    hold_all_take_part,
    join,
    joined,
    leave,
    text_from_first,
)
from tests.loopback import ended, free_port, started

PRELUDE = """
import json, os, signal, sys
import jax, jax.numpy as jnp, numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec as P
from experiments import distributed as d

address, index = sys.argv[1], int(sys.argv[2])
heard = []
signal.signal(signal.SIGTERM, lambda *_: heard.append("SIGTERM"))
d.join(f"{address},2,{index}")
told = {}
"""

FINALE = """
d.leave()
print(json.dumps(told))
"""


def together(body: str) -> list[dict[str, Any]]:
    """What two processes tell that join, run `body` and leave."""
    address = f"127.0.0.1:{free_port()}"
    program = PRELUDE + body + FINALE
    both = ended(*[started("-c", program, address, str(i), devices=1) for i in range(2)])
    assert [each.status for each in both] == [0, 0], [each.err for each in both]
    return [json.loads(each.out.splitlines()[-1]) for each in both]


EXCHANGE = """
told["joined"] = [d.joined(), jax.process_count(), len(jax.devices()), jax.local_device_count()]
told["first"] = d.first()
os.kill(os.getpid(), signal.SIGTERM)
told["heard"] = heard
told["any of"] = [d.any_of(False), d.any_of(index == 1), d.any_of(index == 0), d.any_of(True)]

mine = np.array([[0.1, -1e300], [np.pi, index]])
told["float64"] = d.from_first(mine).tolist()
told["int64"] = d.from_first(np.array(2**53 + 1 - index)).item()
told["empty"] = d.from_first(np.zeros((0, 3))).shape
told["text"] = d.text_from_first("runs/añejo-1" if index == 0 else "something else, and longer")

mesh = Mesh(np.array(jax.devices()), ("seeds",))
d.hold_all_take_part(mesh)
seeds = jnp.arange(3, 9, dtype=jnp.int32)
by_seed, shared = NamedSharding(mesh, P("seeds")), NamedSharding(mesh, P())
squares = jax.jit(lambda x: x * x, in_shardings=by_seed, out_shardings=by_seed)(seeds)
total = jax.jit(jnp.sum, out_shardings=shared)(squares)
told["spread"] = not squares.is_fully_addressable
whole = d.fetch({"squares": squares, "total": total, "here": jnp.float32(index)})
told["fetched"] = {key: np.asarray(value).tolist() for key, value in whole.items()}
try:
    d.hold_all_take_part(Mesh(np.array(jax.devices()[:1]), ("seeds",)))
except ValueError as error:
    told["idle"] = str(error)
"""


def test_two_processes_agree() -> None:
    zeroth, other = together(EXCHANGE)
    assert zeroth["joined"] == other["joined"] == [True, 2, 2, 1]
    assert (zeroth["first"], other["first"]) == (True, False)
    for each in (zeroth, other):
        assert each["heard"] == ["SIGTERM"]
        assert each["any of"] == [False, True, True, True]
        assert each["float64"] == [[0.1, -1e300], [float(np.pi), 0.0]]
        assert each["int64"] == 2**53 + 1
        assert each["empty"] == [0, 3]
        assert each["text"] == "runs/añejo-1"
        assert each["spread"]
        assert each["idle"].startswith("process 1 of 2 has no share in the run")
    squares = [9, 16, 25, 36, 49, 64]
    assert zeroth["fetched"] == {"squares": squares, "total": sum(squares), "here": 0.0}
    assert other["fetched"] == {"squares": squares, "total": sum(squares), "here": 1.0}


FAILURE = """
d.any_of(False)
if index == 1:
    print("the disk is full", flush=True)
    d.abandon(7)
try:
    d.any_of(False)
except Exception as error:
    print(json.dumps("told of it"))
    d.abandon(8)
"""


def test_a_process_that_fails_ends_at_once_and_the_other_hears_of_it() -> None:
    address = f"127.0.0.1:{free_port()}"
    program = PRELUDE + FAILURE
    both = [started("-c", program, address, str(index), devices=1) for index in range(2)]
    zeroth, other = ended(*both)
    assert (other.status, zeroth.status) == (7, 8)
    assert other.out.splitlines()[-1] == "the disk is full"
    assert json.loads(zeroth.out.splitlines()[-1]) == "told of it"


def test_alone_everything_is_the_identity_and_touches_no_device(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def touched(*_: object) -> None:
        raise AssertionError("touches the devices")

    for name in ("devices", "process_index", "process_count", "local_device_count"):
        monkeypatch.setattr(jax, name, touched)
    value = np.array([0.1, 2.0])
    assert not joined()
    assert first()
    assert (any_of(True), any_of(False)) == (True, False)
    assert from_first(value) is value
    assert text_from_first("runs/a") == "runs/a"
    leave()


def test_alone_arrays_are_fetched_as_they_are() -> None:
    mesh = Mesh(np.array(jax.devices()), ("seeds",))
    hold_all_take_part(Mesh(mesh.devices[:1], ("seeds",)))
    tree = {"a": jnp.arange(3.0), "b": (np.float64(0.1), None)}
    found = fetch(tree)
    assert isinstance(found["a"], np.ndarray)
    assert found["a"].tolist() == [0.0, 1.0, 2.0]
    assert found["b"] == (0.1, None)


@pytest.mark.parametrize(
    "spec, why",
    [
        ("somewhere", "must be HOST:PORT,COUNT,INDEX, as in 10.0.0.1:8476,4,0, or one of auto"),
        ("host:80,2", "must be HOST:PORT,COUNT,INDEX"),
        ("host,2,0", "must be HOST:PORT,COUNT,INDEX"),
        ("host:80,2,-1", "must be HOST:PORT,COUNT,INDEX"),
        ("", "must be HOST:PORT,COUNT,INDEX"),
        ("host:80,2,2", "INDEX must be below COUNT, got 2 of 2"),
        ("host:80,0,0", "INDEX must be below COUNT, got 0 of 0"),
        ("host:65536,2,1", "PORT must be 1 to 65535, got 65536"),
        ("host:0,2,1", "PORT must be 1 to 65535, got 0"),
    ],
)
def test_a_spec_that_cannot_be_understood_is_one_sentence(spec: str, why: str) -> None:
    with pytest.raises(ValueError, match=r"^--distributed") as found:
        join(spec)
    assert why in str(found.value)
    assert repr(spec) in str(found.value)
    assert not joined()


def test_a_port_that_is_taken_is_one_sentence() -> None:
    with socket.create_server(("", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(ValueError, match=f"process 0 cannot listen on port {port}: Address"):
            join(f"127.0.0.1:{port},2,0")


ASKS = """
import sys
from experiments.distributed import join
try:
    join(sys.argv[1])
except ValueError as error:
    print(error)
"""


@pytest.mark.parametrize("spec, why", [("auto", "coordinator_address"), ("mpi4py", "mpi4py")])
def test_surroundings_without_others_are_one_sentence(spec: str, why: str) -> None:
    (found,) = ended(started("-c", ASKS, spec, devices=1))
    assert found.out.startswith(f"--distributed {spec} cannot join the processes of a run: ")
    assert why in found.out
    assert found.out.endswith("; give HOST:PORT,COUNT,INDEX\n")
    assert found.out.count("\n") == 1


def test_processes_with_different_devices_are_told_so() -> None:
    address = f"127.0.0.1:{free_port()}"
    both = [started("-c", ASKS, f"{address},2,{i}", devices=i + 1) for i in range(2)]
    for each in ended(*both):
        assert "needs as many devices in every process, and there are 1, 2;" in each.out
