"""The command `compile`: what it compiles, what it says, what it returns."""

import contextlib
import dataclasses
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import pytest
from rich.console import Console

from experiments.__main__ import main
from experiments.build import build
from experiments.compile.command import choose, compile_step, lower
from experiments.compile.platforms import find
from experiments.config import Experiment, ModelSettings
from experiments.run.run import BadInput
from lstm_jax import LSTM
from lstm_jax.executors import EXECUTORS, Executor, Request, Scan
from lstm_jax.tasks import Adding
from lstm_jax.training import SGD, TrainSettings

ADDING = """
title: Adding two numbers
task: {name: adding, variant: bai2018, length: 20}
model: {cell: lstm, hidden_size: 2}
optimizer: {name: sgd, learning_rate: 0.1}
train: {seeds: 2, batch_size: 4, max_sequences: 2000000000, log_every: 1}
"""

TEXT = """
task: {name: text, window: 8, held_out: 0.2, target_bits: 0.5}
model: {cell: lstm, hidden_size: 2, embedding_size: 2, dropout: 0.1}
optimizer: {name: adam, learning_rate: 0.01}
train: {batch_size: 4, max_sequences: 24, log_every: 2}
"""

TOO_LARGE = ["train.batch_size=1000000000", "train.seeds=1"]
"""A batch of 160 GB of inputs, which is compiled and never drawn."""


@pytest.fixture(scope="module", autouse=True)
def as_before() -> Iterator[None]:
    before = jax.config.jax_platforms
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JAX_NUM_CPU_DEVICES", "2")
        yield
    jax.config.update("jax_platforms", before)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "adding.yaml"
    path.write_text(ADDING)
    return path


@dataclasses.dataclass(frozen=True)
class Done:
    """A command that has ended."""

    status: int
    lines: list[str]
    err: str

    def row(self, heading: str) -> str:
        (line,) = (line for line in self.lines if line.startswith(f"{heading} "))
        return line.removeprefix(heading).strip()


def call(config: Path, platform: str, *overrides: str) -> Done:
    with (
        contextlib.redirect_stdout(io.StringIO()) as out,
        contextlib.redirect_stderr(io.StringIO()) as err,
    ):
        status = main(["compile", str(config), *overrides, "--platform", platform])
    return Done(status, out.getvalue().splitlines(), err.getvalue())


def experiment(executor: str = "auto", **changes: Any) -> Experiment:
    train = {"batch_size": 4, "max_sequences": 40, "log_every": 4, "seeds": 2} | changes
    model = ModelSettings(LSTM(2), executor=executor)
    return Experiment(Adding("bai2018", 20), model, SGD(0.1), TrainSettings(**train), "")


def test_for_the_cpu_everything_is_known(config: Path) -> None:
    done = call(config, "cpu", "model.executor=scan", "train.side_by_side=1")
    assert (done.status, done.err) == (0, "")
    devices = len(jax.devices("cpu"))
    two = "2" if devices == 2 else f"2 of {devices}"
    start = f"Adding two numbers: 2 seeds of 43 parameters on {two} cpu devices"
    assert done.lines[0] == start
    assert done.row("executor") == "Scan() for LSTM(hidden_size=2)"
    assert done.row("arguments").endswith(" on each device")
    assert done.row("temporary") != "not known"
    assert "s compiling" in done.row("time")
    assert done.row("fits").startswith("yes: ")
    assert done.row("fits").endswith(" GiB (this machine's memory)")


@pytest.mark.few(1)
@pytest.mark.parametrize("seeds, batch_size", [(2, 4), (1, 4), (3, 5)])
def test_shapes_tell_what_the_compiler_allots(seeds: int, batch_size: int) -> None:
    """Arguments to the byte; outputs but for the table of them that XLA puts first."""
    tried = experiment(seeds=seeds, batch_size=batch_size)
    target = find("cpu")
    step = lower(tried, build(tried, target.devices), target)
    allotted = step.lowered.compile().memory_analysis()
    assert step.memory.arguments == allotted.argument_size_in_bytes
    assert step.memory.reused == allotted.alias_size_in_bytes
    table = allotted.output_size_in_bytes - step.memory.outputs
    outputs = len(jax.tree.leaves(step.lowered.out_info))
    assert table == 8 * outputs


def test_products_are_those_of_one_device() -> None:
    """One seed each; 8BTH(I + H) forwards and for dW, 8BTHH for dh, 6BTHO for the readout."""
    target = find("cpu")
    tried = experiment("scan", side_by_side=1)
    step = lower(tried, build(tried, target.devices[:2]), target)
    lstm = 8 * 4 * 20 * 2 * (2 * (2 + 2) + 2)
    assert lstm <= step.flops <= lstm + 6 * 4 * 20 * 2
    alone = lower(tried, build(tried, target.devices[:1]), target)
    assert alone.flops == 2 * step.flops


def test_what_is_too_large_is_compiled_and_not_run(config: Path) -> None:
    tried = call(config, "cpu", *TOO_LARGE)
    assert tried.status == 1
    assert re.match(r"no: .* [GT]iB for \d+ devices?, of ", tried.row("fits"))


def test_for_cuda_what_a_gpu_alone_can_tell_is_left_open(config: Path) -> None:
    if jax.default_backend() == "gpu":
        pytest.skip("there is a GPU here")
    done = call(config, "cuda", "train.seeds=3")
    assert (done.status, done.err) == (0, "")
    assert done.lines[0] == "Adding two numbers: 3 seeds of 43 parameters on 1 cuda device"
    assert done.row("temporary") == "not known without an NVIDIA GPU's compiler"
    assert done.row("time").endswith("not compiled")
    assert done.row("fits") == "not known"
    assert "bytes" in done.row("arguments") or "KiB" in done.row("arguments")
    assert "FLOP of matrix products" in done.row("FLOPs")


@pytest.mark.parametrize("platform", ["tpu:v5e:2x2", "tpu:v6e:1x1"])
def test_for_tpus_their_own_compiler_tells(libtpu: None, config: Path, platform: str) -> None:
    done = call(config, platform, "train.side_by_side=1", "train.shares=2")
    assert (done.status, done.err) == (0, "")
    devices = {"tpu:v5e:2x2": "4 tpu devices", "tpu:v6e:1x1": "1 tpu device"}[platform]
    assert done.lines[0].endswith(f"43 parameters on {devices}")
    assert "iB" in done.row("temporary") or "bytes" in done.row("temporary")
    assert done.row("fits").startswith("yes: ")
    generation, memory = {"tpu:v5e:2x2": ("v5e", 16), "tpu:v6e:1x1": ("v6e", 32)}[platform]
    assert f"of {memory} GiB (HBM of a {generation}, " in " ".join(done.lines)


def test_what_is_too_large_for_tpus_is_refused_by_it(libtpu: None, config: Path) -> None:
    done = call(config, "tpu:v5e:2x2", *TOO_LARGE)
    assert (done.status, done.err) == (1, "")
    assert done.row("temporary") == "not known"
    assert done.row("fits").startswith("no: Ran out of memory")
    assert "(15.75G)" in done.lines[-1]


@dataclasses.dataclass(frozen=True)
class Only(Executor):
    """Serves one platform."""

    platform: str
    drawback = "for tests"

    def unsupported(self, request: Request) -> str | None:
        return None if request.platform == self.platform else f"this is {request.platform}"

    def run(self, *call: Any) -> Any:
        return Scan().run(*call)


@pytest.mark.parametrize(
    "platform, name", [("cpu", "cpu"), ("cuda", "gpu"), ("tpu:v5e:1x1", "tpu")]
)
def test_executors_are_asked_for_the_platform(
    platform: str, name: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    if name == "tpu":
        request.getfixturevalue("libtpu")
    target, tried = find(platform), experiment("scan")
    monkeypatch.setitem(EXECUTORS, "scan", Only(name))
    step = lower(tried, build(tried, target.devices), target)
    assert [str(choice.executor) for _, choice in step.choices] == [f"Only(platform='{name}')"]
    monkeypatch.setitem(EXECUTORS, "scan", Only("abacus"))
    with pytest.raises(BadInput, match=rf"'scan' cannot run LSTM.*: this is {name}"):
        compile_step(tried, platform, Console(file=io.StringIO()))


def test_every_kind_of_cell_is_told_once_for_what_it_reads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each share of a batch has 2; both directions are the input of the next layer."""
    read = []

    def unsupported(self: Executor, request: Request) -> None:
        assert request.inputs is not None
        read.append((request.inputs.xs.shape, request.inputs.keys.shape))

    monkeypatch.setattr(Scan, "unsupported", unsupported)
    model = ModelSettings(LSTM(3), layers=3, bidirectional=True, zoneout_h=0.1, executor="scan")
    parts = build(dataclasses.replace(experiment(seeds=1), model=model), find("cpu").devices[:2])
    ((cell, choice),) = choose(parts, share=2)
    assert cell == "Zoneout(cell=LSTM(hidden_size=3), h=0.1)"
    assert choice.name == "scan"
    assert {shape for shape, _ in read} == {(20, 2, 2), (20, 2, 6)}
    assert {keys for _, keys in read} == {(20, 2)}


def test_a_text_is_read_and_its_state_is_carried(tmp_path: Path) -> None:
    path, text = tmp_path / "text.yaml", tmp_path / "a.txt"
    text.write_text("the quick brown fox jumps over the lazy dog. " * 20)
    path.write_text(TEXT)
    done = call(path, "cuda", f"task.file={text}")
    assert (done.status, done.err) == (0, "")


@pytest.mark.parametrize(
    "platform, overrides, sentence",
    [
        ("cdua", [], "unknown platform 'cdua'; did you mean 'cuda'?"),
        ("tpu:v9:2x2", [], "unknown TPU generation 'v9'; "),
        ("cpu", ["model.hidden_sise=3"], "command line 'model.hidden_sise=3': "),
        ("cpu", ["model.residual=true"], "Stack.residual is True but there is one layer"),
        ("cuda", ["model.cell=reset_first_gru", "model.executor=fused"], "layer 0: executor 'fu"),
    ],
)
def test_bad_input_is_one_sentence(
    config: Path, platform: str, overrides: list[str], sentence: str
) -> None:
    done = call(config, platform, *overrides)
    assert (done.status, done.lines) == (2, [])
    assert done.err.startswith(sentence)
    assert done.err.count("\n") == 1


def test_a_platform_has_to_be_named(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as error:
        main(["compile", str(config)])
    assert error.value.code == 2
    assert "--platform" in capsys.readouterr().err
