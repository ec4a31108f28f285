"""Arrays through orbax: each is what its manifest says, or none is taken."""

from pathlib import Path
from typing import Any

import jax
import pytest

from experiments.checkpoint import arrays
from experiments.checkpoint.leaves import Leaf, describe, named_leaves, parts
from experiments.checkpoint.manifest import Manifest
from tests.experiments.checkpoint.states import assert_same, draw, like

WANTED = named_leaves(like(draw(1)))


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Leaf]]:
    path = tmp_path_factory.mktemp("arrays") / "checkpoint"
    leaves = named_leaves(draw(1))
    checkpointer = arrays.begin()
    arrays.save(checkpointer, path, leaves)
    checkpointer.wait_until_finished()
    arrays.end(checkpointer)
    return path, {name: describe(leaf, parts(leaf)) for name, leaf in leaves.items()}


def load(path: Path, leaves: dict[str, Leaf]) -> tuple[list[jax.Array], str | None]:
    found, fault = arrays.load(path, Manifest(1, {}, leaves, {}), WANTED)
    return found, fault and str(fault)


def test_all_come_back_in_order(written: Any) -> None:
    found, fault = load(*written)
    assert fault is None
    assert_same(found, jax.tree.leaves(draw(1)))


@pytest.mark.parametrize("name", list(WANTED))
def test_one_that_is_not_as_it_was_is_named(written: Any, name: str) -> None:
    path, leaves = written
    for change in ({"sha256": "0" * 64}, {"dtype": "int16"}, {"shape": (7,)}):
        changed = leaves | {name: leaves[name]._replace(**change)}
        assert load(path, changed) == ([], f"its leaf {name} is not restored as it was saved")


@pytest.mark.parametrize("content", ["", "{}", "x"])
def test_what_orbax_cannot_read_is_a_fault_in_one_line(written: Any, content: str) -> None:
    path, leaves = written
    (path / "_METADATA").rename(path.parent / "aside")
    (path / "_METADATA").write_text(content)
    found, fault = load(path, leaves)
    (path.parent / "aside").replace(path / "_METADATA")
    assert found == []
    assert fault is not None
    assert fault.startswith("orbax cannot restore it: ")
    assert "\n" not in fault


def test_an_end_takes_all_errors_along(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for _ in range(2):
        checkpointer = arrays.begin()
        with pytest.raises(OSError, match="Not a directory"):
            arrays.save(checkpointer, tmp_path / "file" / "below", named_leaves(draw(1)))
        arrays.end(checkpointer)
