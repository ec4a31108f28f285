"""Checkpoints: what is restored is what was saved, to the bit, or an error says why not."""

import os
import resource
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from experiments.checkpoint import Checkpoints, NoneVerifies, SaveFailed, manifest, store
from tests.experiments.checkpoint.states import assert_same, draw, like

LIKE = like(draw(0))


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two checkpoints, of `draw(10)` and `draw(20)`; tests work on copies."""
    folder = tmp_path_factory.mktemp("saved") / "checkpoints"
    with Checkpoints(folder) as checkpoints:
        for step in (10, 20):
            checkpoints.save(step, draw(step), {"metrics": step, "loss": [0.1, None]})
    return folder


@pytest.fixture
def folder(saved: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(saved, tmp_path / "checkpoints"))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_newest_is_restored_to_the_bit(folder: Path) -> None:
    with Checkpoints(folder) as checkpoints:
        assert checkpoints.newest is None
        found = checkpoints.restore(LIKE)
        assert found is not None
        assert (found.step, found.rejected, checkpoints.newest) == (20, (), 20)
        assert found.progress == {"metrics": 20, "loss": [0.1, None]}
        assert_same(found.state, draw(20))
        for leaf, form in zip(jax.tree.leaves(found.state), jax.tree.leaves(LIKE), strict=True):
            assert leaf.sharding == form.sharding


@pytest.mark.parametrize("before, after", [(1, 2), (2, 1), (2, 2)])
def test_the_devices_may_be_others(tmp_path: Path, before: int, after: int) -> None:
    state = draw(3, devices=before)
    with Checkpoints(tmp_path) as checkpoints:
        checkpoints.save(3, state, {})
        found = checkpoints.restore(like(state, devices=after))
    assert found is not None
    assert_same(found.state, state)
    assert len(found.state["half"].sharding.device_set) == after


DTYPES = st.sampled_from(["float32", "bfloat16", "float16", "int32", "uint32", "int8", "bool"])
LEAVES = st.tuples(DTYPES, arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3))
TREES = st.recursive(
    st.none() | LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda each: {"list": each})
        | st.dictionaries(st.text("abz_ é/.0", min_size=1, max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tree=TREES, data=st.randoms(use_true_random=False))
def test_any_state_comes_back(
    tmp_path_factory: pytest.TempPathFactory, tree: Any, data: Any
) -> None:
    def bits(form: Any) -> Any:
        dtype = jnp.dtype(form[0])
        count = int(np.prod(form[1])) * dtype.itemsize
        limit = 2 if dtype.kind == "b" else 256
        content = bytes(data.randrange(limit) for _ in range(count))
        return jnp.asarray(np.frombuffer(content, dtype).reshape(form[1]))

    state = {
        "x": jnp.int32(1),
        "tree": jax.tree.map(bits, tree, is_leaf=lambda n: type(n) is tuple),
    }
    paths = [jax.tree_util.keystr(path, simple=True, separator=".")
             for path, _ in jax.tree_util.tree_leaves_with_path(state)]  # fmt: skip
    folder = tmp_path_factory.mktemp("any")
    with Checkpoints(folder) as checkpoints:
        if len(set(paths)) < len(paths):
            with pytest.raises(ValueError, match="two leaves of the state are called"):
                checkpoints.save(1, state, {})
            return
        checkpoints.save(1, state, {})
        found = checkpoints.restore(like(state))
    assert found is not None
    assert_same(found.state, state)


def test_a_state_may_be_donated_once_it_is_being_saved(tmp_path: Path) -> None:
    add = jax.jit(lambda tree: jax.tree.map(lambda x: x + 1, tree), donate_argnums=0)
    state = {"w": jax.device_put(np.arange(2e6, dtype=np.float32).reshape(2, -1))}
    with Checkpoints(tmp_path, keep=3) as checkpoints:
        for step in range(3):
            checkpoints.save(step, state, {})
            for _ in range(5):
                state = add(state)
        for step in (2, 1, 0):
            found = checkpoints.restore(like(state))
            assert found is not None
            assert found.step == step
            expected = np.arange(2e6, dtype=np.float32) + 5 * step
            assert np.array_equal(np.asarray(found.state["w"]).ravel(), expected)
            shutil.rmtree(tmp_path / f"{step:08d}")


def test_progress_is_that_of_the_call(tmp_path: Path) -> None:
    progress = {"lines": [1], "nan": float("nan"), "exact": 0.1 + 0.2, "deep": {"a": (1, None)}}
    with Checkpoints(tmp_path) as checkpoints:
        checkpoints.save(1, draw(1), progress)
        progress["lines"].append(2)  # type: ignore[attr-defined]
        found = checkpoints.restore(LIKE)
    assert found is not None
    assert np.isnan(found.progress.pop("nan"))
    assert found.progress == {"lines": [1], "exact": 0.1 + 0.2, "deep": {"a": [1, None]}}


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def add(path: Path) -> None:
    path.with_name("added").write_bytes(b"")


@pytest.mark.parametrize("harm", [flip, truncate, Path.unlink, add])
def test_with_any_file_harmed_the_step_before_is_restored(
    saved: Path, tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    files = [path.relative_to(saved) for path in (saved / "00000020").rglob("*") if path.is_file()]
    assert len(files) > 10
    with Checkpoints(tmp_path / "checkpoints") as checkpoints:
        for file in files:
            copy = Path(shutil.copytree(saved, tmp_path / "checkpoints"))
            harm(copy / file)
            found = checkpoints.restore(LIKE)
            assert found is not None
            assert (found.step, found.progress["metrics"]) == (10, 10)
            assert_same(found.state, draw(10))
            [told] = found.rejected
            assert told.startswith(f"the checkpoint {copy / '00000020'} is passed over: ")
            if file.name == "manifest.json" and harm is Path.unlink:
                assert told.endswith("its save never ended")
            else:
                assert told.endswith("; it is now called 00000020.damaged")
                assert str(file.name) in told or harm is add
                assert names(copy) == ["00000010", "00000020.damaged"]
            shutil.rmtree(copy)


def test_with_none_left_an_error_says_so_every_time(folder: Path) -> None:
    (folder / "00000020" / "manifest.json").unlink()
    flip(folder / "00000010" / "_METADATA")
    (folder / "00000030.orbax-checkpoint-tmp").mkdir()
    (folder / "00000040").write_text("")
    before = names(folder)
    with Checkpoints(folder) as checkpoints:
        for _ in range(2):
            with pytest.raises(NoneVerifies) as error:
                checkpoints.restore(LIKE)
            assert str(error.value).splitlines() == [
                f"no checkpoint in {folder} is to be trusted:",
                "  00000040: it is not a folder",
                "  00000030.orbax-checkpoint-tmp: its save never ended",
                "  00000020: its save never ended",
                "  00000010: its file _METADATA differs from what was saved",
            ]
            assert names(folder) == before


def test_without_any_there_is_none(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    for folder in (tmp_path, tmp_path / "nothing"):
        with Checkpoints(folder) as checkpoints:
            assert checkpoints.restore(LIKE) is None
            assert checkpoints.newest is None
    assert not (tmp_path / "nothing").exists()


def reseal(folder: Path, step: int, **leaves: manifest.Leaf) -> None:
    path = folder / f"{step:08d}"
    content = manifest.read(path)
    (path / "manifest.json").unlink()
    manifest.seal(path, step, content.progress, content.leaves | leaves)


def test_a_leaf_that_is_not_restored_as_it_was_saved_fails(folder: Path) -> None:
    leaf = manifest.read(folder / "00000020").leaves["half"]
    reseal(folder, 20, half=leaf._replace(sha256="0" * 64))
    with Checkpoints(folder) as checkpoints:
        found = checkpoints.restore(LIKE)
    assert found is not None
    assert found.step == 10
    assert "its leaf half is not restored as it was saved" in found.rejected[0]


def test_another_structure_is_refused_and_nothing_is_restored(folder: Path) -> None:
    before = names(folder)
    other = draw(0)
    other["params"]["layers"][1] = {"bias": jnp.zeros(3)}
    del other["key"]
    other["half"] = other["half"].astype(jnp.float32)
    with Checkpoints(folder) as checkpoints:
        with pytest.raises(ValueError, match=r"does not fit: ") as error:
            checkpoints.restore(like(other))
        assert checkpoints.newest is None
    assert str(error.value) == (
        f"{folder}/00000020 does not fit: it has no params.layers.1.bias; it has key besides; "
        "half is bfloat16 (2, 2, 5) and not float32 (2, 2, 5)"
    )
    assert names(folder) == before


def test_wrong_calls_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="keep must be at least 1, got 0"):
        Checkpoints(tmp_path, keep=0)
    with Checkpoints(tmp_path) as checkpoints:
        for leaf in (1.0, np.zeros(2), jax.random.key(0)):
            with pytest.raises(TypeError, match=r"a\.b must be a JAX array of numbers"):
                checkpoints.save(1, {"a": {"b": leaf}}, {})
        with pytest.raises(TypeError, match="not JSON serializable"):
            checkpoints.save(1, draw(1), {"a": object()})
        with pytest.raises(TypeError, match="a must have a sharding to be restored"):
            checkpoints.restore({"a": jax.ShapeDtypeStruct((), jnp.int32)})
    assert names(tmp_path) == []


def test_the_newest_are_kept_and_a_step_is_saved_once(tmp_path: Path) -> None:
    with Checkpoints(tmp_path, keep=2) as checkpoints:
        for step in range(4):
            checkpoints.save(step, draw(step), {"metrics": step})
            checkpoints.save(step, draw(99), {"metrics": 99})
            checkpoints.wait()
            assert checkpoints.newest == step
            assert names(tmp_path) == [f"{n:08d}" for n in range(max(0, step - 1), step + 1)]
    with Checkpoints(tmp_path, keep=2) as checkpoints:
        found = checkpoints.restore(LIKE)
        assert found is not None
        assert found.progress == {"metrics": 3}
        checkpoints.save(3, draw(99), {})
    assert names(tmp_path) == ["00000002", "00000003"]


def test_leaving_the_context_ends_the_save(tmp_path: Path) -> None:
    def interrupted() -> None:
        with Checkpoints(tmp_path) as checkpoints:
            checkpoints.save(1, draw(1), {})
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    manifest.verify(tmp_path / "00000001", 1)


def test_a_step_of_another_process_is_not_written_over(folder: Path) -> None:
    with Checkpoints(folder) as checkpoints:
        with pytest.raises(SaveFailed, match="00000020 is there already, and not of this process"):
            checkpoints.save(20, draw(1), {})
        found = checkpoints.restore(LIKE)
        assert found is not None
        assert_same(found.state, draw(20))


def test_a_new_save_takes_the_place_of_a_damaged_one(folder: Path) -> None:
    flip(folder / "00000020" / "_METADATA")
    (folder / "00000030").mkdir()
    with Checkpoints(folder) as checkpoints:
        checkpoints.save(20, draw(5), {})
        found = checkpoints.restore(LIKE)
    assert found is not None
    assert_same(found.state, draw(5))
    assert found.rejected == ()
    assert names(folder) == ["00000010", "00000020", "00000020.damaged"]


def test_a_save_that_fails_in_the_background_is_raised_by_the_next_call(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    expected = f"the checkpoint {folder}/000000[34]0 could not be saved: No space left on device"
    with Checkpoints(folder) as checkpoints:
        calls = [lambda: checkpoints.save(50, draw(50), {}), lambda: checkpoints.restore(LIKE)]
        for step, call in zip((30, 40), calls, strict=True):
            with monkeypatch.context() as patch:
                patch.setattr(manifest, "seal", full)
                checkpoints.save(step, draw(step), {})
                with pytest.raises(SaveFailed, match=expected):
                    call()
        assert checkpoints.newest is None
        found = checkpoints.restore(LIKE)
        assert found is not None
        assert found.step == 20
        checkpoints.save(60, draw(60), {})
    assert names(folder) == ["00000010", "00000020", "00000060"]


@pytest.mark.filterwarnings("ignore:Exception ignored in:pytest.PytestUnraisableExceptionWarning")
def test_what_orbax_cannot_write_leaves_no_error_behind(folder: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with Checkpoints(folder) as checkpoints:
        for step in (30, 40):
            resource.setrlimit(resource.RLIMIT_FSIZE, (40, hard))  # bytes
            try:
                with pytest.raises(SaveFailed, match=f"{step} could not be saved: File too large"):
                    save_and_wait(checkpoints, step)
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        save_and_wait(checkpoints, 50)
        assert checkpoints.newest == 50
    whole = [name for name in names(folder) if name.isdigit()]  # orbax may leave its own behind
    assert whole == ["00000010", "00000020", "00000050"]


def save_and_wait(checkpoints: Checkpoints, step: int) -> None:
    checkpoints.save(step, draw(step), {})
    checkpoints.wait()


def test_a_save_that_is_interrupted_as_it_begins_is_none(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_: object) -> None:
        raise KeyboardInterrupt

    with Checkpoints(folder) as checkpoints:
        with monkeypatch.context() as patch:
            patch.setattr(store, "parts", interrupt)
            with pytest.raises(KeyboardInterrupt):
                checkpoints.save(30, draw(30), {})
        save_and_wait(checkpoints, 30)
        assert checkpoints.newest == 30
    assert names(folder) == ["00000010", "00000020", "00000030"]


def test_a_failed_save_is_raised_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(5, "Input/output error")

    def run(end: type[Exception] | None) -> None:
        with Checkpoints(tmp_path) as checkpoints:
            checkpoints.save(1, draw(1), {})
            if end is not None:
                raise end

    monkeypatch.setattr(manifest, "seal", fail)
    with pytest.raises(SaveFailed, match="Input/output error"):
        run(None)
    with pytest.raises(KeyError):  # what ended the context is what is raised
        run(KeyError)


def test_a_folder_that_is_no_folder_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "checkpoints"
    with Checkpoints(path) as checkpoints:
        checkpoints.save(1, draw(1), {})
        checkpoints.wait()
        path.rename(tmp_path / "moved")
        path.write_text("")
        with pytest.raises(SaveFailed, match=f"{path}/00000002 could not be saved: .*Not a dir"):
            checkpoints.save(2, draw(2), {})
        path.unlink()
        os.rename(tmp_path / "moved", path)
        checkpoints.save(3, draw(3), {})
        found = checkpoints.restore(LIKE)
    assert found is not None
    assert found.step == 3
