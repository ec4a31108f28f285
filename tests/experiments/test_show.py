"""Tasks as text: what is printed is what the sampler drew, and bad names get a sentence."""

import io

import jax
import pytest
from rich.console import Console

from experiments.__main__ import main, parse
from experiments.config import ConfigError
from experiments.run.run import BadInput
from experiments.show import aligned, read_task, show
from lstm_jax.tasks import TASKS, Adding, Counting, Text, TwoSequences

NEEDED = {
    "adding": ["variant=bai2018", "length=20"],
    "continual_temporal_order": ["variant=6a", "length=20"],
    "copying": ["variant=arjovsky2016", "gap=5"],
    "counting": ["language=anbn", "longest=3"],
    "digits": ["order=pixels"],
    "formal_language": ["language=binary_addition"],
    "long_lag": ["variant=2b", "p=5"],
    "periodic_function": ["shape=triangle", "period=4", "periods=2"],
    "stories": ["story=origin", "distance=2"],
    "temporal_order": ["variant=6b", "length=20"],
    "text": ["target_bits=1", "window=6"],
    "two_sequences": ["variant=3c", "length=12"],
    "warping": ["variant=padded", "letters=5", "longest=3"],
}
"""What tasks have to be told, and small sizes."""


def shown(*arguments: str) -> list[str]:
    screen = io.StringIO()
    show(parse(["show", *arguments]), Console(file=screen, width=200, soft_wrap=True))
    return screen.getvalue().splitlines()


def columns(lines: list[str], name: str) -> list[str]:
    (line,) = [line for line in lines if line[:10].strip() == name]
    return line[10:].split()


@pytest.mark.few(8)
@pytest.mark.parametrize("name", TASKS)
def test_every_task_can_be_shown(name: str) -> None:
    lines = shown(name, *NEEDED.get(name, []), "--count", "2")
    assert lines[0].startswith(f"{name}: ")
    assert lines[1].startswith(f"error: {read_task(name, NEEDED.get(name, [])).error_name}, ")
    assert [line.split(",")[0] for line in lines if line.startswith("sequence")] == [
        "sequence 0",
        "sequence 1",
    ]
    assert sum(line.startswith("step") for line in lines) == 2
    assert max(map(len, lines[2:])) <= 100


def test_tokens_and_legal_symbols_are_letters() -> None:
    lines = shown("counting", "language=anbn", "longest=1", "--count", "1")
    assert lines[3:] == [
        "sequence 0, 3 steps",
        "step       0  1  2",
        "input      S  a  b",
        "target    aT ab  T",
    ]


def test_values_have_two_digits_and_targets_stand_where_they_count() -> None:
    settings = ["variant=hochreiter1997", "length=20", "--count", "1", "--seed", "3"]
    lines = shown("adding", *settings)
    task = Adding("hochreiter1997", 20)
    batch = jax.jit(task.sample, static_argnums=1)(jax.random.key(3), 1)
    steps = int(batch.lengths[0])
    shown_steps = columns(lines, "step")
    assert "..." in shown_steps
    places = [int(step) for step in shown_steps if step != "..."]
    assert places[0] == 0
    assert places[-1] == steps - 1
    values = [text for text in columns(lines, "input 0") if text != "..."]
    assert values == [f"{float(batch.inputs[t, 0, 0]):.2f}" for t in places]
    markers = [text for text in columns(lines, "input 1") if text != "..."]
    assert markers == [f"{int(v)}" if (v := float(batch.inputs[t, 0, 1])) else "." for t in places]
    assert columns(lines, "target") == ["...", f"{float(batch.targets[-1, 0, 0]):.2f}"]
    assert columns(lines, "weight")[-1] == "1"
    starts = {
        line.rindex(columns(lines, name)[-1]) + len(columns(lines, name)[-1])
        for name in ("step", "input 0", "target")
        for line in lines
        if line[:10].strip() == name
    }
    assert len(starts) == 1  # columns end where others do


def test_long_sequences_lose_their_middle() -> None:
    lines = aligned([("step", [str(n) for n in range(500)]), ("x", ["ab"] * 500)], 40)
    assert [len(line) for line in lines] == [37, 37]
    assert lines[0].split() == ["step", "0", "1", "2", "...", "497", "498", "499"]
    narrow = aligned([("step", [str(n) for n in range(500)])], 5)
    assert narrow[0].split() == ["step", "0", "...", "499"]


def test_sequences_of_another_seed_differ() -> None:
    settings = ["two_sequences", "variant=3b", "length=10", "shown=1"]
    assert shown(*settings) == shown(*settings, "--seed", "0")
    assert shown(*settings) != shown(*settings, "--seed", "1")


def test_settings_are_those_of_a_config() -> None:
    assert read_task("counting", ["language=anbn", "longest=3"]) == Counting("anbn", 3)
    assert read_task("two_sequences", ["variant=3a", "stop=st1"]) == TwoSequences("3a", stop="st1")
    assert isinstance(read_task("text", ["target_bits=1"]), Text)


@pytest.mark.parametrize(
    "name, settings, complaint",
    [
        ("reberr", [], "unknown task 'reberr'; did you mean 'reber'? known: adding, "),
        ("text", ["target_bits=1", "file=/nowhere"], "task.file '/nowhere': cannot be read"),
    ],
)
def test_what_is_no_task_gets_a_sentence(name: str, settings: list[str], complaint: str) -> None:
    with pytest.raises(BadInput) as caught:
        read_task(name, settings)
    assert str(caught.value).startswith(complaint)


@pytest.mark.parametrize(
    "settings, complaints",
    [
        (["langage=anbn"], ["language: missing; must be one of", "did you mean 'language'?"]),
        (["language=anbm"], ["unknown choice 'anbm'; did you mean 'anbn'?"]),
        (["language=anbn", "longest=0"], ["longest: must be at least 1, got 0"]),
        (["language=anbn", "test_shortest=11"], ["test_shortest=11 must be at most"]),
        (["language"], ["must be of the form dotted.key=value"]),
    ],
)
def test_all_faults_of_the_settings_are_told(settings: list[str], complaints: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        read_task("counting", settings)
    told = str(caught.value).splitlines()
    assert all(any(part in line for line in told) for part in complaints)


def test_the_command_line_shows_and_refuses(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JAX_NUM_CPU_DEVICES", "2")
    assert main(["show", "counting", "language=anbn", "--count", "1", "longest=2"]) == 0
    assert "target" in capsys.readouterr().out
    assert main(["show", "countin"]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    with pytest.raises(SystemExit, match="2"):
        main(["show", "reber", "--count", "0"])
    assert "--count: must be from 1 to 1000, got 0" in capsys.readouterr().err
