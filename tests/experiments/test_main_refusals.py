"""The command line with input that cannot serve: a sentence each, status 2, nothing touched."""

from collections.abc import Callable
from pathlib import Path

import pytest

from experiments import __main__ as command_line
from experiments.__main__ import main, parse
from experiments.config import dump, load
from experiments.run.run import Failed
from experiments.run.session import Session

ADDING = """
title: Adding two numbers
task: {name: adding, variant: bai2018, length: 20}
model: {cell: lstm, hidden_size: 2}
optimizer: {name: sgd, learning_rate: 0.1}
train: {seeds: 2, batch_size: 4, max_sequences: 40, log_every: 4}
"""


@pytest.fixture(autouse=True)
def nothing_is_trained(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(self: Session, *_: object) -> None:
        raise AssertionError("compiles for a run that must not begin")

    monkeypatch.setattr(Session, "start", start)
    monkeypatch.setenv("JAX_NUM_CPU_DEVICES", "2")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "adding.yaml"
    path.write_text(ADDING)
    return path


Refused = Callable[..., list[str]]


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Refused:
    """Runs a command that must be refused and leave everything as it was; gives what it says."""

    def refused(*arguments: object) -> list[str]:
        before = content(tmp_path)
        assert main(["run", *map(str, arguments)]) == 2
        assert content(tmp_path) == before
        out, err = capsys.readouterr()
        assert out == ""
        assert "Traceback" not in err
        return err.splitlines()

    return refused


def content(folder: Path) -> dict[str, bytes | None]:
    """All that is in a folder, down to the last byte."""
    paths = sorted(folder.rglob("*"))
    return {str(path): path.read_bytes() if path.is_file() else None for path in paths}


def test_a_directory_with_anything_in_it(refused: Refused, config: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    (run / "deep").mkdir(parents=True)
    (run / "deep" / "summary.json").write_bytes(b"\x00mine")
    assert refused(config, "--out", run) == [
        f"{run} exists and is not an empty folder; name another with --out, or go on with the run "
        "there with --resume"
    ]
    assert refused(config, "--out", run, "--resume") == [
        f"{run} holds no run that could go on: it has no config.yaml"
    ]


def test_a_file_where_the_directory_should_be(
    refused: Refused, config: Path, tmp_path: Path
) -> None:
    (sentence,) = refused(config, "--out", config)
    assert sentence.startswith(f"{config} exists and is not an empty folder; name another with")
    (sentence,) = refused(config, "--out", config, "--resume")
    assert sentence == f"{config} holds no run that could go on: it has no config.yaml"
    (sentence,) = refused(config, "--out", config / "below" / "it")
    assert str(config) in sentence


@pytest.mark.parametrize("out", [True, False], ids=["named", "the newest"])
def test_a_run_of_another_config(
    refused: Refused, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, out: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    run = Path("runs", "adding-20240229-120005")
    run.mkdir(parents=True)
    (run / "config.yaml").write_text(dump(load(config)))
    where = ["--out", run] if out else []
    overrides = ("train.seeds=3", "model.hidden_size=4", "optimizer.learning_rate=0.2")
    (sentence,) = refused(config, *overrides, *where, "--resume")
    assert sentence == (
        f"{run} cannot go on with another config: model.hidden_size was 2 and is 4; "
        "optimizer.learning_rate was 0.1 and is 0.2; train.seeds was 2 and is 3; "
        "name another directory with --out to begin anew"
    )


def test_a_run_whose_config_is_damaged(refused: Refused, config: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (run / "config.yaml").write_text("title: [\n")
    (fault,) = refused(config, "--out", run, "--resume")
    assert fault.startswith(f"{run / 'config.yaml'}:")


def test_a_sink_that_is_not_installed(
    refused: Refused, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda *_: None)
    (sentence,) = refused(config, "output.log=[wandb]", "--out", tmp_path / "run")
    assert "wandb" in sentence


def test_a_bad_config_is_told_all_its_faults(
    refused: Refused, config: Path, tmp_path: Path
) -> None:
    text = ADDING.replace("lstm", "lstn").replace("length: 20", "length: 2").replace("0.1", "-1")
    config.write_text(text.replace("batch_size", "batch_sise"))
    faults = refused(config, "--out", tmp_path / "run")
    assert len(faults) == 5
    for fault, (line, words) in zip(
        faults,
        [
            (3, "task.length: must be at least 20, got 2"),
            (4, "model.cell: unknown cell 'lstn'; did you mean 'lstm'?"),
            (5, "optimizer.learning_rate: must be above 0"),
            (6, "train.batch_s"),
            (6, "train.batch_s"),
        ],
        strict=True,
    ):
        assert fault.startswith(f"{config}:{line}: {words}")


def test_a_bad_override(refused: Refused, config: Path, tmp_path: Path) -> None:
    (fault,) = refused(config, "train.seeds=none", "--out", tmp_path / "run")
    assert fault.startswith("command line 'train.seeds=none': train.seeds: must be an integer")


def test_a_config_that_is_not_there(refused: Refused, tmp_path: Path) -> None:
    missing = tmp_path / "no.yaml"
    assert refused(missing) == [f"{missing}: there is no such file"]


def test_settings_that_contradict_one_another(
    refused: Refused, config: Path, tmp_path: Path
) -> None:
    (fault,) = refused(config, "optimizer.warmup_steps=10", "--out", tmp_path / "run")
    assert fault == "warmup_steps=10 must be below the run's 10 steps"


@pytest.mark.parametrize(
    "overrides, words",
    [
        (["model.cell=reset_first_gru", "model.executor=fused"], "executor 'fused' cannot run"),
        (["model.cell=gru", "model.zoneout_c=0.1"], "Zoneout.c is 0.1 but the state has no 'c'"),
        (["model.residual=true"], "Stack.residual is True but there is one layer"),
    ],
)
def test_a_model_that_cannot_be_run_as_it_is_set(
    refused: Refused, config: Path, tmp_path: Path, overrides: list[str], words: str
) -> None:
    (line,) = refused(config, *overrides, "--out", tmp_path / "run")
    assert words in line


@pytest.mark.parametrize(
    "written, complaint",
    [
        (None, "cannot be read: No such file or directory"),
        (b"", "is empty"),
        (
            b"abcdefgh",
            "the training part of the text has 4 characters; a window of 8 needs at least 9",
        ),
        (b"caf\xe9", "is not UTF-8 text: byte 3 cannot be decoded"),
    ],
    ids=["missing", "empty", "short", "latin"],
)
def test_a_text_that_cannot_serve(
    refused: Refused, config: Path, tmp_path: Path, written: bytes | None, complaint: str
) -> None:
    text = tmp_path / "a.txt"
    if written is not None:
        text.write_bytes(written)
    task = f"{{name: text, file: {text}, window: 8, held_out: 0.5, target_bits: 1}}"
    config.write_text(ADDING.replace("{name: adding, variant: bai2018, length: 20}", task))
    assert refused(config, "--out", tmp_path / "run") == [f"task.file {str(text)!r}: {complaint}"]


def test_seeds_beyond_what_a_key_is_made_of(refused: Refused, config: Path, tmp_path: Path) -> None:
    (fault,) = refused(config, f"train.first_seed={2**31}", "--out", tmp_path / "run")
    assert "train.first_seed" in fault


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["rum"],
        ["run"],
        ["run", "a.yaml", "--ouy", "b"],
        ["list", "all"],
    ],
)
def test_a_command_that_is_none(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parse(arguments)
    assert caught.value.code == 2
    assert "usage: python -m experiments" in capsys.readouterr().err


@pytest.mark.parametrize(
    "status, code",
    [("completed", 0), ("diverged", 1), ("interrupted", 130), ("terminated", 143)],
)
def test_the_exit_status_tells_how_a_run_ended(
    monkeypatch: pytest.MonkeyPatch, config: Path, status: str, code: int
) -> None:
    monkeypatch.setattr(command_line, "run_all", lambda *_: status)
    assert main(["run", str(config)]) == code


def test_a_run_that_cannot_go_on_says_why(
    monkeypatch: pytest.MonkeyPatch, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> str:
        raise Failed("the disk is full; last checkpoint: step 40")

    monkeypatch.setattr(command_line, "run_all", fail)
    assert main(["run", str(config)]) == 1
    assert capsys.readouterr() == ("", "the disk is full; last checkpoint: step 40\n")


def test_a_run_is_resumed_where_it_is_named_or_where_the_newest_is(
    monkeypatch: pytest.MonkeyPatch, config: Path, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    asked = []

    def run(_: object, out: Path, *others: object) -> str:
        asked.append((out, others[-1]))
        return "completed"

    monkeypatch.setattr(command_line, "run_all", run)
    assert main(["run", str(config), "--resume"]) == 0
    for name in ("adding-20240229-120005", "adding-20240229-120006"):
        (tmp_path / "runs" / name).mkdir(parents=True)
        (tmp_path / "runs" / name / "config.yaml").write_text("")
    assert main(["run", str(config), "--resume"]) == 0
    assert main(["run", str(config), "--resume", "--out", "mine"]) == 0
    assert main(["run", str(config)]) == 0
    new, newest, named, other = asked
    assert newest == (Path("runs", "adding-20240229-120006"), True)
    assert named == (Path("mine"), True)
    assert (new[1], other[1]) == (True, False)
    assert not any(path.exists() for path in (new[0], other[0]))


@pytest.mark.parametrize(
    "function, command",
    [
        ("__main__.load", ["run", "a.yaml"]),
        ("__main__.load", ["compile", "a.yaml", "--platform", "cpu"]),
        ("__main__.compile_step", ["compile", "configs/adding.yaml", "--platform", "cpu"]),
        ("bench.command.settle", ["bench", "memory"]),
        ("reproduce.command.load_study", ["reproduce", "hochreiter1997"]),
        ("__main__.print_catalogue", ["list"]),
    ],
)
def test_an_interrupt_from_the_keyboard_is_no_fault(
    function: str,
    command: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(f"experiments.{function}", interrupted)
    try:
        status = main(command)
    except KeyboardInterrupt:  # which would end pytest itself
        pytest.fail("the interrupt is passed on")
    assert status == 130
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError,
        ValueError,
    ],
)
def test_a_fault_of_ours_is_not_called_bad_input(
    monkeypatch: pytest.MonkeyPatch, config: Path, tmp_path: Path, error: type[Exception]
) -> None:
    def start(self: Session, *_: object) -> None:
        raise error("a bug")

    monkeypatch.setattr(Session, "start", start)
    with pytest.raises(error, match="a bug"):
        main(["run", str(config), "--out", str(tmp_path / "run")])
