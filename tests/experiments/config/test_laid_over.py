"""Keys laid over a config, which stays as it was."""

from typing import Any

import pytest
from pydantic import ValidationError

from experiments.config.laid_over import Keys, List, check_with, laid_over
from experiments.config.words import said_of, together

CONFIG = {"task": {"name": "adding", "length": 20}, "seeds": 3}


def test_keys_are_set_in_sections_that_stay_as_they_were() -> None:
    found = laid_over(CONFIG, {"task.length": 30, "model.cell": "lstm", "seeds": [1]})
    assert found == {
        "task": {"name": "adding", "length": 30},
        "seeds": [1],
        "model": {"cell": "lstm"},
    }
    assert CONFIG == {"task": {"name": "adding", "length": 20}, "seeds": 3}


def test_a_later_key_lies_over_an_earlier_one() -> None:
    keys = {"task": {"name": "copying"}, "task.gap": 5}
    assert laid_over(CONFIG, keys)["task"] == {"name": "copying", "gap": 5}


def test_a_key_within_what_is_no_section_is_refused() -> None:
    with pytest.raises(ValidationError, match="is in what is 3 and not a section"):
        laid_over(CONFIG, {"seeds.first": 1})


def test_keys_are_equal_by_what_they_set_and_hash_even_with_lists() -> None:
    one, same, other = Keys({"a.b": [1]}), Keys({"a.b": [1]}), Keys({"a.b": [2]})
    assert one == same != other
    assert hash(one) == hash(same)
    assert (dict(one), len(one)) == ({"a.b": [1]}, 1)


@pytest.mark.parametrize("distinct", [True, False])
def test_items_that_make_the_same_are_refused_where_they_have_to_differ(distinct: bool) -> None:
    def whole(config: Any) -> Any:
        return tuple(config["a"])

    config = {"a": [1], "more": [{}, {"a": [2]}, {"a": [1]}]}
    of = List("more", lambda _: None, distinct)
    if not distinct:
        base, items = check_with(whole, config, of)
        assert (base, [made for _, made in items]) == ((1,), [(1,), (2,), (1,)])
        return
    with pytest.raises(ValidationError, match=r"stands for the same as more\[0\]"):
        check_with(whole, config, of)


def test_a_fault_that_the_config_has_too_is_said_once() -> None:
    def refuse(_: Any) -> Any:
        raise together([said_of(("task",), "is wrong")])

    with pytest.raises(ValidationError) as error:
        check_with(refuse, {"more": [{}, {}]}, List("more", lambda _: None, distinct=False))
    assert error.value.error_count() == 1
