"""How faults are printed and ordered."""

import pickle

from experiments.config.faults import COMMAND_LINE, ConfigError, Fault, Origin, dotted


def test_the_error_is_its_faults_by_line_with_arguments_last() -> None:
    error = ConfigError(
        [
            Fault(Origin(COMMAND_LINE, argument="a=1"), "a", "three"),
            Fault(Origin("f", 12), "", "two"),
            Fault(Origin("f", 2), "a.b", "one"),
        ]
    )
    assert str(error) == "f:2: a.b: one\nf:12: two\ncommand line 'a=1': a: three"
    assert [fault.line for fault in error.faults] == [2, 12, None]
    assert [fault.file for fault in error.faults] == ["f", "f", "command line"]


def test_a_hundred_faults_are_shown() -> None:
    faults = [Fault(Origin("f", line), "a", "wrong") for line in range(1, 251)]
    lines = str(ConfigError(faults)).split("\n")
    assert len(ConfigError(faults).faults) == 250
    assert lines[99:] == ["f:100: a: wrong", "and 150 more faults"]
    assert str(ConfigError(faults[:100])).split("\n") == lines[:100]


def test_a_name_of_a_file_stays_on_one_line() -> None:
    assert str(Origin("a\nb\udcff.yaml", 3)) == r"'a\nb\udcff.yaml':3"


def test_the_error_crosses_processes() -> None:
    error = ConfigError([Fault(Origin("f", 2), "a", "one")])
    assert pickle.loads(pickle.dumps(error)).faults == error.faults


def test_a_path_stays_on_one_line() -> None:
    assert dotted(("a", 0, "b-c", "d e", "f\ng")) == r"a[0].b-c.'d e'.'f\ng'"
    assert dotted(("x" * 200,)) == f"'{'x' * 57}...'"
    assert dotted(()) == ""
