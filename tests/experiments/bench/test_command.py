import importlib.metadata
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jax
import pytest

from experiments.__main__ import main
from experiments.bench import command, layers, memory, peers, training
from experiments.bench.problem import Shape, WrongAnswer
from experiments.bench.timing import Timing
from experiments.bench.training import Result, Setting
from lstm_jax.executors import EXECUTORS
from tests.experiments.bench.fabricated import results

ROOT = Path(__file__).parents[3]
SETTING = Setting(20, 2, 2)
PAGE = "<!-- {0} on cpu -->\n<!-- end -->\n"


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Little to go through; and the devices and settings there are."""
    monkeypatch.setenv("JAX_NUM_CPU_DEVICES", "2")
    monkeypatch.setattr(training, "SETTINGS", (SETTING,))
    monkeypatch.setattr(memory, "STEPS", (10, 40))
    few = {name: EXECUTORS[name] for name in ("scan", "cudnn")}
    monkeypatch.setattr(command, "EXECUTORS", few)
    yield
    jax.config.update("jax_enable_compilation_cache", True)


def reject(name: str) -> None:
    raise AssertionError(f"{name} is no JSON")


Done = tuple[dict[str, Any], str, str]
Bench = Callable[..., Done]


@pytest.fixture
def bench(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Bench:
    """Runs a benchmark; gives its JSON, its page and what it printed."""

    def bench(what: str, *options: str) -> Done:
        page, data = tmp_path / "page.md", tmp_path / "data.json"
        page.write_text(PAGE.format(what))
        files = ["--json", str(data), "--markdown", str(page)]
        assert main(["bench", what, *options, *files]) == 0
        out, err = capsys.readouterr()
        assert err == ""
        return json.loads(data.read_text(), parse_constant=reject), page.read_text(), out

    return bench


def test_layers(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def run(*arguments: Any) -> layers.Result:
        calls.append(arguments)
        return results()[0]

    monkeypatch.setattr(layers, "run", run)
    found, page, out = bench(
        "layers", "--shape", "2,4,2,2", "--executors", "--rounds", "1", "--peers", "linen"
    )
    assert calls == [(Shape(B=2, T=4, I=2, H=2), ["linen"], 1, True)]
    asked = "bench layers --peers linen --rounds 1 --shape 2,4,2,2 --executors"
    assert f"`python -m experiments {asked}`: " in page
    assert found["benchmark"] == "layers"
    assert found["environment"].keys() >= {"versions", "cpu", "cores", "commit", "others"}
    (result,) = found["results"]
    assert result["shape"] == {"B": 64, "T": 192, "I": 64, "H": 256}
    assert [row["sharded"] for row in result["rows"][:2]] == [True, False]
    assert result["rows"][0]["timings"]["gradient"]["rounds"] == [2]
    assert [row["name"] for row in result["executors"]] == ["lstm_jax checkpointed"]
    assert result["refusals"].keys() == {"cudnn"}
    assert found["summary"].keys() >= {"times_as_fast_as", "share_of_ceiling"}
    for text in (page, out):
        for words in (
            "B=64 T=192 I=64 H=256",
            "Executors at",
            "Over all shapes",
            "of the CPU time",
        ):
            assert words in text


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[tuple]:
    """What training was asked for, of which nothing is done."""
    calls = []

    def run(*arguments: Any) -> Result:
        calls.append(arguments)
        return Result(SETTING, {"seeds": 2, "data": 1}, Timing((0.5, 0.25, 0.75)), 1.0, None)

    monkeypatch.setattr(training, "run", run)
    return calls


def test_training(bench: Bench, trained: list[tuple]) -> None:
    found, page, out = bench("training", "--rounds", "3", "--peers")
    assert trained == [(SETTING, [], 3)]
    assert found["results"][0]["setting"] == {"T": 20, "B": 2, "H": 2}
    assert found["results"][0]["ours"]["median"] == 0.5
    for text in (page, out):
        assert "Milliseconds per update and seed" in text


def test_memory(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(executor: str, loss: str, steps: tuple[int, ...]) -> memory.Result:
        if executor == "cudnn":
            return memory.Result(executor, loss, {}, "it needs a GPU")
        return memory.Result(executor, loss, {T: 10**6 * T for T in steps})

    monkeypatch.setattr(memory, "run", run)
    found, page, out = bench("memory")
    kept = {(each["executor"], each["loss"]): each["temporary"] for each in found["results"]}
    assert kept["cudnn", "the final state"] == {}
    assert len(kept) == 4
    assert kept["scan", "all outputs"] == {"10": 10**7, "40": 4 * 10**7}
    for text in (page, out):
        assert "Temporary megabytes" in text
        assert "of the CPU time" not in text


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    assert main(["bench", *map(str, arguments)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    (line,) = err.splitlines()
    return line


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        (["layer"], "unknown benchmark 'layer'; did you mean 'layers'? known: "),
        (["layers", "--peers", "torhc"], "unknown peer 'torhc'; did you mean 'torch'? known: "),
        (["training", "--peers", "nnx"], "unknown peer 'nnx'; known: torch"),
        (["memory", "--peers"], "bench memory takes no --peers; layers, training do"),
        (["memory", "--rounds", "2"], "bench memory takes no --rounds; layers, training do"),
        (["training", "--shape", "1,2,3,4"], "bench training takes no --shape; layers do"),
        (["training", "--executors"], "bench training takes no --executors; layers do"),
        (["layers", "--rounds", "0"], "--rounds must be at least 1, got 0"),
        (["layers", "--shape", "1,2"], "a shape is four integers B,T,I,H such as 32,96,2,128; got"),
        (["memory", "--json", ROOT], "--json "),
        (["memory", "--json", ROOT / "none" / "a.json"], "--json "),
        (["memory", "--markdown", ROOT / "none.md"], f"{ROOT / 'none.md'}: there is no such file"),
        (["layers", "--markdown", ROOT / "README.md"], f"{ROOT / 'README.md'}: it has no place"),
    ],
)
def test_what_cannot_be_obeyed(
    capsys: pytest.CaptureFixture[str], arguments: list[object], sentence: str
) -> None:
    assert refused(capsys, *arguments).startswith(sentence)


@pytest.fixture
def nothing_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    def version(package: str) -> str:
        raise importlib.metadata.PackageNotFoundError(package)

    monkeypatch.setattr(peers.importlib.metadata, "version", version)


@pytest.mark.usefixtures("nothing_installed")
def test_a_peer_asked_for_that_is_not_installed(capsys: pytest.CaptureFixture[str]) -> None:
    line = refused(capsys, "layers", "--peers", "haiku")
    assert line == 'haiku is not installed; the extra "peers" brings it: pip install -e ".[peers]"'


def test_peers_not_asked_for_are_left_out_where_they_are_not_installed(
    bench: Bench, trained: list[tuple], monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(name: str) -> None:
        raise peers.Unavailable(f"{name} is not installed")

    monkeypatch.setattr(peers, "load", load)
    _, _, out = bench("training")
    assert out.splitlines()[0] == "Left out: torch is not installed"
    assert trained == [(SETTING, [], 7)]


def test_an_entry_that_computes_something_else_ends_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(*_: Any) -> None:
        raise WrongAnswer("it computes something else")

    monkeypatch.setattr(layers, "run", run)
    assert main(["bench", "layers", "--shape", "2,4,2,2", "--peers"]) == 1
    assert capsys.readouterr().err == "it computes something else\n"


def test_an_interrupt_from_the_keyboard_writes_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def run(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(training, "run", run)
    path = tmp_path / "a.json"
    assert main(["bench", "training", "--peers", "--json", str(path)]) == 130
    assert capsys.readouterr().err == "interrupted: nothing is written\n"
    assert not path.exists()


def test_the_command_is_light_to_start() -> None:
    """No framework is imported before it is asked for."""
    script = "import sys, experiments.__main__; print({'torch', 'keras', 'haiku'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == "set()\n"
