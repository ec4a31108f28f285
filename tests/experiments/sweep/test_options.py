"""A command that has to be given again is the one that was given."""

import shlex
from collections.abc import Sequence
from pathlib import Path

import pytest

from experiments.__main__ import parse
from experiments.run.run import BadInput
from experiments.sweep.options import PLACES, check_page, command_of, means_of
from experiments.sweep.work import Means


@pytest.mark.parametrize(
    "positional, given, figures",
    [
        ("sheet", ["sweep", "a b.yaml", "--engine", "ray", "--out", "x"], 4),
        ("sheet", ["compare_cells", "a.yaml", "--workers", "2"], 4),
        ("study", ["reproduce", "p", "--rows", "2c*", "a b", "--seeds", "3", "--page", "y.md"], 7),
        ("study", ["frontier", "--tasks", "adding", "--longest", "9", "--out", "x"], 5),
        ("study", ["frontier", "a.yaml"], 2),
    ],
)
def test_a_command_is_told_as_it_was_given(
    positional: str, given: Sequence[str], figures: int
) -> None:
    options = parse(given)
    assert words_of(command_of(options, positional)) == given
    assert words_of(command_of(options, positional, without=PLACES)) == given[:figures]


def words_of(command: str) -> list[str]:
    words = shlex.split(command)
    assert words[:3] == ["python", "-m", "experiments"]
    return words[3:]


@pytest.mark.parametrize(
    "given, means",
    [
        (["sweep", "a.yaml"], Means("local", None)),
        (["compare_cells"], Means("local", None)),
        (["reproduce", "p", "--engine", "slurm", "--workers", "3"], Means("slurm", 3)),
        (["frontier", "--workers", "1"], Means("local", 1)),
    ],
)
def test_programs_run_locally_where_nothing_else_is_asked_for(
    given: Sequence[str], means: Means
) -> None:
    assert means_of(parse(given)) == means


def test_a_page_is_a_file(tmp_path: Path) -> None:
    for page in ([], ["--page", str(tmp_path / "new" / "page.md")]):
        check_page(parse(["frontier", *page]))
    with pytest.raises(BadInput, match="it is a directory; name a file"):
        check_page(parse(["frontier", "--page", str(tmp_path)]))
