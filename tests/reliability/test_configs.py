"""Ten thousand hostile documents: no traceback, nothing constructed, bounded time and memory.

Drawn from a fixed seed; `--documents` says how many. The quick suite has three hundred.
"""

import collections
import os
import statistics
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.experiments.config.documents import (
    BYTES,
    CANARY,
    DOCUMENTS,
    EXAMPLES,
    OVERRIDES,
    SECONDS,
    TAGS,
    judge,
    warm_up,
)
from tests.reliability.commands import experiments
from tests.reliability.conftest import Report


def test_hostile_documents(tmp_path: Path, pytestconfig: pytest.Config, report: Report) -> None:
    count = pytestconfig.getoption("documents")
    warm_up(tmp_path)
    outcomes: collections.Counter[str] = collections.Counter()
    seconds: list[float] = []
    memory: list[int] = []
    distinct: set[int] = set()

    @settings(
        max_examples=count,
        derandomize=True,
        database=None,
        deadline=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(document=DOCUMENTS, overrides=OVERRIDES)
    def judged(document: bytes, overrides: list[str]) -> None:
        distinct.add(hash((document, *overrides)))
        verdict = judge(document, overrides, tmp_path, memory=True)
        outcomes["experiments" if verdict.experiment else "refused"] += 1
        seconds.append(verdict.seconds)
        memory.append(verdict.bytes)

    judged()
    report(
        f"{len(seconds)} documents, {len(distinct)} of them distinct, "
        f"{outcomes['refused']} refused; processor time "
        f"{statistics.median(seconds) * 1e3:.1f} ms in the middle, at most {max(seconds):.2f} s "
        f"(bound {SECONDS} s); memory at most {max(memory) / 2**20:.0f} MiB "
        f"(bound {BYTES / 2**20:.0f} MiB)"
    )
    assert len(seconds) >= count
    assert outcomes["experiments"] >= count // 100, "hardly a document reaches the end of loading"


DOCUMENTS_OF_COMMANDS = {
    "no YAML": b"\xff\xfe\x00\x01",
    "no text": os.urandom(2000),
    "nested": b"[" * 90_000,
    "aliases": b"\n".join(
        b"x%d: &x%d [%s]"
        % (level, level, b", ".join([b"*x%d" % (level - 1)] * 9) if level else b"")
        for level in range(30)
    ),
    "objects": "\n".join(f"x{place}: {tag}" for place, tag in enumerate(TAGS)).encode(),
    "numbers": EXAMPLES[0].replace("1e-2", "1e999999").replace("8", "9" * 90_000).encode(),
    "faults": EXAMPLES[0].encode() + b"".join(b"x%d: 1\n" % number for number in range(4000)),
}
ARGUMENTS = {
    "deep": "a." * 50_000 + "a=1",
    "no UTF-8": os.fsdecode(b"train.\xff\xfe=\xff"),
    "object": f"title={TAGS[0]}",
    "nested": "title=" + "[" * 90_000,
    "lines": "a\nb=\n\n1",
}


@pytest.mark.short(2)
@pytest.mark.parametrize("name", DOCUMENTS_OF_COMMANDS)
def test_the_command_refuses_a_document(tmp_path: Path, name: str) -> None:
    (tmp_path / "a.yaml").write_bytes(DOCUMENTS_OF_COMMANDS[name])
    _assert_refused(tmp_path, "a.yaml")


@pytest.mark.short(2)
@pytest.mark.parametrize("name", ARGUMENTS)
def test_the_command_refuses_an_argument(tmp_path: Path, name: str) -> None:
    (tmp_path / "a.yaml").write_text(EXAMPLES[0], encoding="utf-8")
    _assert_refused(tmp_path, "a.yaml", ARGUMENTS[name])


def _assert_refused(folder: Path, *arguments: str) -> None:
    ended = experiments("run", *arguments, cwd=folder).wait()
    assert ended.status == 2, ended.stderr
    assert ended.stdout == ""
    assert 0 < len(ended.stderr.splitlines()) <= 101
    assert "Traceback" not in ended.stderr
    assert [path.name for path in folder.iterdir()] == ["a.yaml"], f"see {CANARY}"
