"""Sinks beside a run: they get every line in order, and whatever they do the run goes on."""

import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from experiments import sinks as registry
from experiments.sinks import SINKS, Entry, require, views
from experiments.sinks.base import Sink, Subject
from experiments.sinks.views import Views, open_sinks

LINES = [{"step": step, "loss": [1.0 / step]} for step in (1, 2, 3)]
SUMMARY = {"status": "completed"}


class Kept:
    """A sink that keeps what it is given; at the step `fails_at` it raises."""

    def __init__(self, fails_at: float = -1) -> None:
        self.seen: list[dict[str, Any]] = []
        self.closed: list[dict[str, Any]] = []
        self._fails_at = fails_at

    def log(self, line: dict[str, Any]) -> None:
        if line["step"] == self._fails_at:
            raise OSError(28, "No space left on device")
        self.seen.append(line)

    def close(self, summary: dict[str, Any]) -> None:
        self.closed.append(summary)
        if self._fails_at == 99:
            raise OSError(28, "No space left on device")


def follow(**sinks: Callable[[], Sink]) -> None:
    """A run of three lines with these sinks."""
    views = Views(sinks)
    for line in LINES:
        views.log(line)
    views.summarise({"status": "running"})
    views.summarise(SUMMARY)
    views.close()


def test_every_sink_gets_every_line_in_order_and_the_last_summary() -> None:
    first, second = Kept(), Kept()
    follow(first=lambda: first, second=lambda: second)
    assert first.seen == second.seen == LINES
    assert first.closed == second.closed == [SUMMARY]


def impossible() -> Sink:
    raise PermissionError(13, "Permission denied")


@pytest.mark.parametrize(
    "opened, seen, why",
    [
        (lambda: Kept(fails_at=2), 1, "No space left on device"),
        (lambda: Kept(fails_at=99), 3, "No space left on device"),
        (impossible, None, "PermissionError: [Errno 13] Permission denied"),
    ],
    ids=["while the run goes on", "at the end", "at the start"],
)
def test_a_sink_that_fails_is_dropped_with_one_warning_and_the_others_go_on(
    opened: Callable[[], Kept],
    seen: int | None,
    why: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    made: list[Kept] = []

    def broken() -> Sink:
        made.append(opened())
        return made[0]

    sound = Kept()
    follow(broken=broken, sound=lambda: sound)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("warning: broken is dropped: ")
    assert err.endswith(f"{why}; metrics.jsonl holds everything\n")
    assert err.count("\n") == 1
    assert (sound.seen, sound.closed) == (LINES, [SUMMARY])
    assert [len(sink.seen) for sink in made] == ([] if seen is None else [seen])


def test_a_sink_that_hangs_holds_nothing_up(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(views, "PATIENCE", 0.2)
    gate, sound = threading.Event(), Kept()

    class Hanging(Kept):
        def log(self, line: dict[str, Any]) -> None:
            gate.wait()

    began = time.monotonic()
    follow(hanging=Hanging, sound=lambda: sound)
    assert 0.2 <= time.monotonic() - began < 2.0
    gate.set()
    assert sound.closed == [SUMMARY]
    told = "warning: hanging is not done after 0.2 s and is left alone; metrics.jsonl holds "
    assert capsys.readouterr().err == f"{told}everything\n"


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What sinks of the name "kept" were opened with."""
    opened: list[Any] = []
    module = ModuleType("experiments.sinks.kept")

    class Opened(Kept):
        def __init__(self, *arguments: Any) -> None:
            super().__init__()
            opened.append((*arguments, self))

    module.Opened = Opened  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "experiments.sinks.kept", module)
    monkeypatch.setitem(SINKS, "kept", Entry("Opened", "json"))
    return opened


def test_sinks_are_opened_by_name_for_as_long_as_the_run_goes_on(
    kept: list[Any], tmp_path: Path
) -> None:
    subject = Subject(tmp_path, "title: a\n", "a", ["seed_0"], LINES[:1])
    with open_sinks(["kept"], subject) as sinks:
        sinks.log(LINES[1])
        sinks.summarise(SUMMARY)
    ((given, sink),) = kept
    assert given is subject
    assert (sink.seen, sink.closed) == (LINES[1:2], [SUMMARY])


def test_sinks_are_closed_when_the_run_fails(kept: list[Any], tmp_path: Path) -> None:
    def fail() -> None:
        with open_sinks(["kept"], Subject(tmp_path, "", "", [], [])) as sinks:
            sinks.summarise({"status": "failed"})
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert kept[0][-1].closed == [{"status": "failed"}]


def test_without_sinks_nothing_happens(tmp_path: Path) -> None:
    threads = threading.active_count()
    with open_sinks([], Subject(tmp_path, "", "", [], [])) as sinks:
        sinks.log(LINES[0])
        assert threading.active_count() == threads
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_there_is_not() -> None:
    with pytest.raises(ValueError, match="unknown sink 'tensorbord'; did you mean 'tensorboard'"):
        require(["tensorbord"])


@pytest.mark.parametrize("name", SINKS)
def test_a_package_that_is_missing_is_told_with_the_extra(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry.importlib.util, "find_spec", lambda _: None)
    why = rf"output.log names {name}, but \w+ is not installed: pip install 'lstm_jax\[{name}\]'"
    with pytest.raises(ValueError, match=f"^{why}$"):
        require([name])


def test_what_is_installed_can_be_opened() -> None:
    require(["tensorboard"])
    require([])
