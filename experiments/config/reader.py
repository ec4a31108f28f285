"""Read YAML into a tree that knows where each value was written.

Only events of ruamel.yaml's parser are used: no object is ever constructed, and the tree is
built without recursion, within bounds on size, depth and what aliases repeat. `tree.py` does
the building; this file is about bytes, text and broken YAML.
"""

from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.reader import ReaderError

from experiments.config.faults import ConfigError, Fault, Loc, Origin, dotted
from experiments.config.tree import Builder, Node

MAX_BYTES = 500_000
MAX_LINE = 100_000
"""Characters in a line. ruamel's time to read a tag grows with the square of its length."""
MAX_PROBLEM = 200
"""Characters of what ruamel says is broken, which may quote the text."""


class _YAML(YAML):
    def official_plug_ins(self) -> list[str]:
        """None: ruamel would import whatever is installed beside it."""
        return []


def read(path: Path) -> str:
    """The text of a file; ConfigError if there is none to be had."""

    def refused(message: str, line: int | None = None) -> ConfigError:
        return ConfigError([Fault(Origin(str(path), line), "", message)])

    try:
        with open(path, "rb") as file:
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise refused("there is no such file") from None
    except IsADirectoryError:
        raise refused("is a directory; expected a YAML file") from None
    except (OSError, ValueError) as error:
        raise refused(f"cannot be read: {error}") from None
    if len(content) > MAX_BYTES:
        raise refused(f"is larger than {MAX_BYTES} bytes, which no config needs to be")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise refused(f"is not UTF-8: byte 0x{content[error.start]:02x}", line) from None


def parse(text: str, origin: Origin, loc: Loc = ()) -> tuple[Node, list[Fault]]:
    """The tree of a text at `loc`, with the faults that leave it readable.

    Raises ConfigError where reading on would be guessing: broken YAML, bounds exceeded.
    """
    builder = Builder(origin, loc)

    def broken(message: str, line: int) -> ConfigError:
        return ConfigError([*builder.faults, Fault(origin.on(line), dotted(loc), message)])

    for number, line in enumerate(text.split("\n"), start=1):
        if len(line) > MAX_LINE:
            raise broken(f"a line of more than {MAX_LINE} characters", number)
    try:
        for event in _YAML(typ="safe", pure=True).parse(text):
            builder.add(event)
    except ConfigError:
        raise
    except ReaderError as error:
        number = text.count("\n", 0, error.position) + 1
        raise broken(f"the character {chr(error.character)!r} is not allowed", number) from None
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise broken(_explain(error), mark.line + 1 if mark else 1) from None
    except Exception:  # ruamel does not catch its own, as OverflowError for "\Uffffffff"
        raise broken("broken YAML from here on", builder.line) from None
    return builder.root or Node(None, origin.on(1)), builder.faults


def _explain(error: MarkedYAMLError) -> str:
    problem = " ".join(str(error.problem or error.context).split())
    if r"'\t'" in problem:
        return "broken YAML: a tab cannot stand here; use spaces"
    if len(problem) > MAX_PROBLEM:
        problem = f"{problem[:MAX_PROBLEM]}..."
    return f"broken YAML: {problem}"
