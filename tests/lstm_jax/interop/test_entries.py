import ml_dtypes
import numpy as np
import pytest

from lstm_jax.interop.entries import fit, flatten, nest


def shapes(size: int) -> dict[str, tuple[int, ...]]:
    return {"w_x": (size, 4), "w": (size + 3, 4), "w_h": (3, 4), "b": (4,)}


def entries(size: int = 2, dtype: object = "float32") -> dict[str, np.ndarray]:
    return {name: np.ones(shape, dtype) for name, shape in shapes(size).items()}


@pytest.mark.parametrize("size", [1, 2, 7])
def test_the_input_size_is_read_off_the_entries(size: int) -> None:
    arrays, found = fit("weights", entries(size), shapes)
    assert found == size
    assert arrays.keys() == shapes(1).keys()


def test_all_faults_are_listed_at_once() -> None:
    given = entries()
    del given["b"]
    given["w_h"] = given["w_h"].T
    given |= {"v_x": given["w_x"], "b_": np.ones(4)}
    with pytest.raises(ValueError, match="the weights:") as caught:
        fit("the weights", given, shapes)
    assert str(caught.value).splitlines() == [
        "the weights:",
        "  missing: b, shape (4,)",
        "  misshapen: w_h must have shape (3, 4), got (4, 3)",
        "  extra: b_; did you mean 'b'?",
        "  extra: v_x",
    ]


def test_an_extra_one_is_not_taken_for_one_that_is_there() -> None:
    with pytest.raises(ValueError, match=r"extra: w_h_$"):
        fit("weights", entries() | {"w_h_": np.ones(4)}, shapes)


def test_what_is_no_dict_is_refused() -> None:
    with pytest.raises(TypeError, match=r"weights: they are a dict of arrays by name, got list"):
        fit("weights", [np.ones(4)], shapes)  # type: ignore[arg-type]


def test_an_input_size_that_nothing_shows_is_called_i() -> None:
    with pytest.raises(ValueError, match="weights:") as caught:
        fit("weights", {"w_h": np.ones((3, 4)), "w_x": np.ones(4)}, shapes)
    assert str(caught.value).splitlines()[1:] == [
        "  missing: b, shape (4,)",
        "  missing: w, shape (I + 3, 4)",
        "  misshapen: w_x must have shape (I, 4), got (4,)",
    ]


def test_entries_that_disagree_about_the_input_size_are_misshapen() -> None:
    with pytest.raises(ValueError, match=r"misshapen: w must have shape \(5, 4\), got \(6, 4\)"):
        fit("weights", entries() | {"w": np.ones((6, 4))}, shapes)


@pytest.mark.parametrize("dtype", ["int32", "complex64", "bool", "U1"])
def test_what_is_no_float_is_refused(dtype: str) -> None:
    given = entries() | {"b": np.ones(4).astype(dtype), "w_h": np.ones((3, 4), "int8")}
    with pytest.raises(TypeError, match=r"b must be one of float16, .*\n  w_h must be .* int8"):
        fit("weights", dict(sorted(given.items())), shapes)


def test_floats_of_several_dtypes_are_refused() -> None:
    given = entries() | {"b": np.ones(4, ml_dtypes.bfloat16)}
    with pytest.raises(TypeError, match=r"w_x is float32, .* one dtype\n  b is bfloat16"):
        fit("weights", given, shapes)


@pytest.mark.parametrize("dtype", ["float16", ml_dtypes.bfloat16, "float32", "float64"])
def test_the_dtype_is_kept(dtype: object) -> None:
    arrays, _ = fit("weights", entries(dtype=dtype), shapes)
    assert {array.dtype for array in arrays.values()} == {np.dtype(dtype)}


def test_flat_and_nested_are_each_others_inverse() -> None:
    nested = {"layers": {0: {"cell": {"kernel": 1}}, 11: {"bias": 2}}, "b": 3}
    flat = {"layers/0/cell/kernel": 1, "layers/11/bias": 2, "b": 3}
    assert flatten(nested) == flat
    assert nest(flat) == nested
    assert flatten(flat) == flat
    assert flatten({"empty": {}}) == {}


def test_an_entry_that_is_there_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="entry a/b is there twice"):
        flatten({"a": {"b": 1}, "a/b": 2})
