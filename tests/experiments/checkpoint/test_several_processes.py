"""Several processes of one run: they save together and agree on what they restore."""

from pathlib import Path

import pytest

from experiments.checkpoint import Checkpoints
from tests.experiments.checkpoint.states import assert_same, draw, like
from tests.loopback import ended, free_port, started


@pytest.mark.few(0)
def test_two_processes_save_together_and_one_restores(tmp_path: Path) -> None:
    port, saver = str(free_port()), "tests.experiments.checkpoint.pair"
    pair = [started("-m", saver, str(tmp_path), port, str(n), devices=1) for n in range(2)]
    for number, process in enumerate(ended(*pair)):
        rejected = 1 - number  # on the first process alone
        told = [line for line in process.out.splitlines() if line.startswith("told ")]
        assert told == ["told 3 3 0 True", f"told 2 2 {rejected} True", "told none"], process.err
    state = draw(2)
    del state["rate"]
    with Checkpoints(tmp_path) as checkpoints:
        found = checkpoints.restore(like(state))
    assert found is not None
    assert found.step == 2
    assert_same(found.state, state)
