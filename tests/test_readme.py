"""The README keeps its word: its Python runs, its commands are understood, its files exist."""

import re
import shlex
from pathlib import Path

import pytest

from experiments.__main__ import parse
from experiments.config import load

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
EXAMPLES = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
COMMANDS = re.findall(r"^ +python -m experiments (.*?)(?: +#.*)?$", README, flags=re.MULTILINE)
LINKS = re.findall(r"\]\((?!http)([^)#]+)\)", README)


@pytest.mark.usual_promotion
@pytest.mark.parametrize("example", EXAMPLES)
def test_examples_run(example: str) -> None:
    exec(compile(example, "README.md", "exec"), {"__name__": "readme"})


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_are_understood(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    options = parse(shlex.split(command))
    if options.command == "run":
        load(options.config, options.overrides)


@pytest.mark.parametrize("link", LINKS)
def test_links_lead_somewhere(link: str) -> None:
    assert (ROOT / link).exists()


def test_every_config_of_the_readme_is_there() -> None:
    named = set(re.findall(r"configs/[\w/]+\.yaml", README))
    assert named
    assert all((ROOT / name).is_file() for name in named)


def test_the_make_targets_are_there() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"^    make (\w+)", README, flags=re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target
