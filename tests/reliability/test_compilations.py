"""One compilation of the training step per run, and one per resume."""

import collections
import re
from pathlib import Path

from tests.reliability.commands import Ended, environment
from tests.reliability.conftest import Report
from tests.reliability.runs import interrupted, resume, write_config

NO_CACHE = {"JAX_LOG_COMPILES": "1", "JAX_ENABLE_COMPILATION_CACHE": "false"}
STEP = "run_all"
"""What `lstm_jax.training.parallel` calls the function that holds the training step."""
OURS = ("start_all", STEP, "evaluate_all", "reorder")
"""All that it compiles; what else is compiled are single operations of JAX."""


def compiled(ended: Ended) -> collections.Counter[str]:
    """How often each function was compiled by XLA."""
    assert ended.status == 0, ended.said
    found = re.findall(r"Finished XLA compilation of (?:jit\()?(\w+)", ended.said)
    return collections.Counter(name for name in found if name in OURS)


def test_the_step_is_compiled_once(tmp_path: Path, report: Report) -> None:
    config = write_config("text", tmp_path)
    straight = compiled(resume(config, tmp_path / "run", env=environment(**NO_CACHE)).wait())
    assert straight[STEP] == 1, straight
    interrupted(config, tmp_path / "begun", checkpoints=1)
    resumed = compiled(resume(config, tmp_path / "begun", env=environment(**NO_CACHE)).wait())
    assert resumed[STEP] == 1, resumed
    assert max(*straight.values(), *resumed.values()) == 1, (straight, resumed)
    report(f"a run compiles {dict(straight)}, a resumed one {dict(resumed)}")
