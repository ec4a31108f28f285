"""The README and the guides keep their word: their Python runs, their commands are understood,
their files exist.
"""

import re
import shlex
from pathlib import Path

import pytest

from experiments.__main__ import parse
from experiments.config import load

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
PAGES = {str(path.relative_to(ROOT)): path.read_text() for path in sorted(ROOT.glob("docs/*.md"))}
PAGES["README.md"] = README
EXAMPLES = [
    pytest.param(page, example, id=f"{page}-{number}")
    for page, text in PAGES.items()
    if page != "docs/interop.md"  # run by tests/lstm_jax/interop, which knows the frameworks
    for number, example in enumerate(re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL))
]
COMMANDS = [
    command
    for text in PAGES.values()
    for command in re.findall(
        r"^ +python -m experiments (.*?)(?: +#.*)?$", text, flags=re.MULTILINE
    )
]
LINKS = [
    (Path(page).parent, link)
    for page, text in PAGES.items()
    for link in re.findall(r"\]\((?!http)([^)#]+)\)", text)
]


@pytest.mark.usual_promotion
@pytest.mark.parametrize("page, example", EXAMPLES)
def test_examples_run(page: str, example: str) -> None:
    exec(compile(example, page, "exec"), {"__name__": "readme"})


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_are_understood(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    options = parse(shlex.split(command))
    if options.command in ("run", "compile"):
        load(options.config, options.overrides)


@pytest.mark.parametrize("folder, link", LINKS)
def test_links_lead_somewhere(folder: Path, link: str) -> None:
    assert (ROOT / folder / link).exists()


def test_every_config_of_the_readme_is_there() -> None:
    named = set(re.findall(r"configs/[\w/]+\.yaml", README))
    assert named
    assert all((ROOT / name).is_file() for name in named)


def test_the_make_targets_are_there() -> None:
    makefile = (ROOT / "Makefile").read_text()
    pages = "\n".join(PAGES.values())
    for target in re.findall(r"^    make ([\w-]+)", pages, flags=re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target
