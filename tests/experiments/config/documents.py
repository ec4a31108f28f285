"""Documents that no config is, and what any of them must lead to.

`judge` loads one: an `Experiment` that is written and read back alike, or a ConfigError in plain
lines, within bounds on time and memory, while nothing is constructed, imported, run or opened.
"""

import contextlib
import gc
import os
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from hypothesis import strategies as st

from experiments.config import ConfigError, Experiment, dump, load
from experiments.config.reader import MAX_BYTES
from experiments.sweep.sheet import is_sheet

CONFIGS = Path(__file__).parents[3] / "configs"
CANARY = "canary-of-a-constructed-object"
"""A file of this name is what the objects of `TAGS` would leave behind."""

SECONDS = 2.0
"""Of the processor, for one document with its overrides."""
BYTES = 64 * 2**20
"""Of memory beyond what the process had before, at most at any time."""
WIDTH = 4000
"""Characters of a fault."""


class Verdict(NamedTuple):
    """What became of a document, and what it cost."""

    experiment: Experiment | None
    seconds: float
    bytes: int
    """-1 where the system does not tell."""


# ---------------------------------------------------------------------------- judging

_watched: list[str] | None = None
_HARMLESS = {"object.__getattr__", "object.__setattr__", "sys._getframe"}


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if _watched is not None and event not in _HARMLESS:
        _watched.append(f"{event} {arguments[0]!r}" if arguments else event)


sys.addaudithook(_watch)


@contextlib.contextmanager
def watched() -> Iterator[list[str]]:
    """What the interpreter does meanwhile that others may see: files, imports, processes, code."""
    global _watched
    _watched = seen = []
    try:
        yield seen
    finally:
        _watched = None


def warm_up(folder: Path) -> None:
    """Load what makes Python import, compile and keep all that loading ever needs."""
    path = folder / "a.yaml"
    for text in (EXAMPLES[0], "a: [", "\xff", "\0", "x: !y 1", 'a: "\\Uffffffff"', "task: addin"):
        path.write_bytes(text.encode("latin-1"))
        with contextlib.suppress(ConfigError):
            dump(load(path, ["a=1", "tsk=1"]))
    path.write_text(EXAMPLES[0])
    dump(load(path))


def judge(document: bytes, overrides: Sequence[str], folder: Path, memory: bool = False) -> Verdict:
    """Load a document as a file of `folder`; AssertionError where it breaks a promise."""
    path = folder / "a.yaml"
    path.write_bytes(document)
    used = _peak() if memory else None
    began = time.process_time()
    experiment, error = None, None
    with watched() as seen:
        try:
            experiment = load(path, overrides)
        except ConfigError as caught:
            error = caught
    seconds = time.process_time() - began
    taken = -1 if used is None else used()
    assert seen in ([], [f"open {str(path)!r}"]), seen
    assert not (folder / CANARY).exists()
    assert not Path(CANARY).exists()
    assert seconds <= SECONDS, f"{seconds:.2f} s"
    assert taken <= BYTES, f"{taken / 2**20:.0f} MiB"
    if error is not None:
        _assert_plain(error)
    else:
        assert type(experiment) is Experiment
        path.write_text(dump(experiment), encoding="utf-8")
        assert load(path) == experiment
    return Verdict(experiment, seconds, taken)


def _assert_plain(error: ConfigError) -> None:
    lines = str(error).split("\n")
    assert len(error.faults) > 0
    assert len(lines) == min(len(error.faults), 101)
    for line in lines:
        assert line.isprintable()
        assert len(line) <= WIDTH + len(str(CONFIGS)) + 100
        assert not re.search("Traceback|Value error|Input should|object at 0x", line)


def _peak() -> Callable[[], int] | None:
    """Begins to measure; then gives the largest growth of the process's memory since, in bytes."""
    status, reset = Path("/proc/self/status"), Path("/proc/self/clear_refs")
    if not os.access(reset, os.W_OK):
        return None

    def kilobytes(field: str) -> int:
        return int(re.search(rf"^{field}:\s+(\d+)", status.read_text(), re.MULTILINE)[1])  # type: ignore[index]

    gc.collect(0)
    reset.write_text("5")
    before = kilobytes("VmRSS")
    return lambda: (kilobytes("VmHWM") - before) * 1024


# ---------------------------------------------------------------------------- pieces

EXAMPLES = [
    path.read_text("utf-8") for path in sorted(CONFIGS.rglob("*.yaml")) if not is_sheet(path)
]

TAGS = [
    f"!!python/object/apply:os.system ['touch {CANARY}']",
    f"!!python/object/apply:builtins.open [{CANARY}, w]",
    f"!!python/object/new:subprocess.Popen [[touch, {CANARY}]]",
    f"!!python/object/apply:builtins.exec [\"open('{CANARY}', 'w')\"]",
    f"!!python/object/apply:pathlib.Path.touch [!!python/object/apply:pathlib.Path [{CANARY}]]",
    f"!<tag:yaml.org,2002:python/object/apply:os.system> ['touch {CANARY}']",
    *("!!python/name:os.system", "!!python/module:os", "!!python/tuple [1, 2]", "!!python/none"),
    *("!!binary aGVsbG8=", "!!omap [a: 1, b: 2]", "!!set {a, b}", "!!pairs [a: 1]", "!!int '3'"),
    *("!!timestamp 2001-12-14", "!!float 1", "!!str 1", "!!map {}", "!!null ''", "! 1", "!x 1"),
]

OPENERS = [
    *("[", "{", "- ", "? ", "{a: ", "[[", "{[", "[? ", "- - ", ": ", "(", "!x [", "&a [", "|\n"),
]

LARGE = [
    *("\n", " ", "#\n", "- 1\n", "a: 1\n", "w\n  ", "''", "\\x41", "?\n", "*a ", "&a ", "!a "),
    *("[],", "a,", "- {a: 1}\n", "%TAG !a! b\n", "%YAML 1.2\n", "---\n", "...\n", "\t", "\r"),
    *("\x85", "\u2028", "\ufeff", "\0", "\U0001f600", "9", "x", "a.", "a: &b 1\n", "- !x 1\n"),
    *("? a\n: b\n", "<<: *a\n"),
]

WORDS = [
    *("null", "~", "true", "no", ".inf", "-.inf", ".nan", "-0", "0x", "0o8", "1_000", "1:30"),
    *("1e999999", "1e-999999", "-1e309", "9" * 400, "9" * 401, "0x" + "f" * 400),
    *("9223372036854775808", "chrono", "lstm", "adam", "adding", "''", '"\\0"', '"\\ud800"'),
    *('"\\Uffffffff"', "[]", "{}", "="),
]

PIECES = [
    *(": ", "- ", "? ", "[", "]", "{", "}", ",", "&a ", "*a", "|\n", ">\n", "\n", "\n  ", "\t"),
    *("#", "'", '"', "\\", "\0", "%YAML 1.1\n", "---\n", "...\n", "<<: *a\n", "name: ", "cell: "),
    *("\x85", "\u2028", "[" * 60, "- " * 60, "1: 2", "[]: 1", "\ufeff", "\x1b[2J", "\u202e"),
    *(*TAGS, *WORDS),
]

PATHS = [
    *("title", "task", "task.name", "task.length", "task.variant", "model", "model.cell"),
    *("model.hidden_size", "model.bias", "model.bias.name", "model.bias.t_max", "model.executor"),
    *("optimizer", "optimizer.name", "optimizer.learning_rate", "train", "train.seeds", "variants"),
    *("train.first_seed", "train.max_sequences", "train.log_every", "train.seeds.0", "new.deep.er"),
    *("title.x", "..", "", "a\nb", "\udcff", "train.\udcff", "~", "<<", "task.<<", "variants[0]"),
]


def cut_lines(text: str, width: int) -> str:
    return "\n".join(text[at : at + width] for at in range(0, len(text), width))


# ---------------------------------------------------------------------------- strategies

NUMBERS = st.one_of(
    st.integers(),
    st.integers(0, 100_000).map(lambda digits: "1" + "0" * digits),
    st.integers(0, 100_000).map(lambda digits: "0." + "3" * digits),
    st.integers(-(10**30), 10**30).map(lambda exponent: f"1e{exponent}"),
    st.floats().map(repr),
    st.from_regex(r"[-+]?0[xob][0-9a-fA-F_]{0,40}", fullmatch=True),
    st.from_regex(r"[-+]?[0-9_.]{1,40}([eE][-+]?[0-9]{1,9})?", fullmatch=True),
    st.sampled_from(WORDS),
).map(str)


@st.composite
def numbers(draw: st.DrawFn) -> str:
    """A config with other numbers."""
    changes = draw(st.lists(NUMBERS, min_size=1, max_size=4))
    text = draw(st.sampled_from(EXAMPLES))
    for number in changes:
        places = [match.span() for match in re.finditer(r"(?<=: )[\d.e-]+$", text, re.MULTILINE)]
        start, end = draw(st.sampled_from(places)) if places else (len(text), len(text))
        text = text[:start] + number + text[end:]
    return text


@st.composite
def mutations(draw: st.DrawFn) -> str:
    """A config with some of it cut out, moved, doubled or replaced."""
    text = draw(st.sampled_from(EXAMPLES))
    for _ in range(draw(st.integers(1, 5))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 20)))
        piece = draw(
            st.sampled_from(PIECES)
            | st.text(max_size=10)
            | st.just(text[start : start + 200])
            | NUMBERS
        )
        text = text[:start] + piece + text[end:]
    return text


def collections(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    keys = st.sampled_from([*PATHS, *WORDS]) | st.text(max_size=5)
    items = st.lists(inner, max_size=4)
    pairs = st.lists(st.tuples(keys, inner), max_size=4)
    return st.one_of(
        items.map(lambda each: f"[{', '.join(each)}]"),
        pairs.map(lambda each: "{" + ", ".join(f"{key}: {value}" for key, value in each) + "}"),
        items.map(lambda each: "".join("\n- " + item.replace("\n", "\n  ") for item in each)),
        pairs.map(lambda each: "".join(f"\n{key}: " + v.replace("\n", "\n  ") for key, v in each)),
        st.tuples(st.sampled_from(["&a ", "&b ", "!x ", "? ", ": ", "!!map ", "%"]), inner).map(
            "".join
        ),
    )


GRAMMAR = st.recursive(
    st.sampled_from([*WORDS, *TAGS, "*a", "*b", "|\n  x", ">-\n  x", "'", '"a\\n"', "<<: *a"])
    | st.text(max_size=8)
    | NUMBERS,
    collections,
    max_leaves=25,
)


@st.composite
def bombs(draw: st.DrawFn) -> str:
    """Aliases of aliases: what they unfold to grows as fan ** depth."""
    fan, depth = draw(st.integers(1, 100)), draw(st.integers(1, 120))
    form = draw(st.sampled_from(["list", "section", "merge", "self", "scalar", "variants"]))
    lines = [f"x0: &x0 {draw(st.sampled_from(['[a]', '{a: 1}', 'a', 'b' * 4000]))}"]
    for level in range(1, depth):
        below = level - 1 if form != "self" else draw(st.integers(0, level))
        alias = f"*x{below}"
        if form in ("section", "merge"):
            keys = ["<<" if form == "merge" else f"k{number}" for number in range(fan)]
            value = "{" + ", ".join(f"{key}: {alias}" for key in keys) + "}"
        else:
            value = f"[{', '.join([alias] * fan)}]"
        lines.append(f"x{level}: &x{level} {value}" if form != "scalar" else f"x{level}: *x0")
    if form == "variants":
        lines.append(f"variants: [{', '.join(['*x0'] * fan * depth)}]")
    return "\n".join(lines)


@st.composite
def nests(draw: st.DrawFn) -> str:
    """Up to 100,000 openers, with or without their ends."""
    opener = draw(st.sampled_from(OPENERS))
    levels = draw(st.sampled_from([10, 49, 50, 51, 100, 1000, 10_000, 100_000]))
    ends = {"[": "]", "{": "}"}
    closers = "".join(ends.get(each, "") for each in reversed(opener)) * levels
    text = opener * levels + draw(st.sampled_from(["", "1"])) + draw(st.sampled_from(["", closers]))
    head = draw(st.sampled_from(["", "a: ", EXAMPLES[0] + "x: ", "title: "]))
    return head + cut_lines(text, draw(st.sampled_from([80, 90_000, 10**6])))


@st.composite
def objects(draw: st.DrawFn) -> str:
    """Tags that other readers make objects of, at any place of a config."""
    lines = draw(st.sampled_from(EXAMPLES)).split("\n")
    for tag in draw(st.lists(st.sampled_from(TAGS), min_size=1, max_size=3)):
        place = draw(st.integers(0, len(lines) - 1))
        key, colon, _ = lines[place].partition(": ")
        lines[place] = f"{key}: {tag}" if colon else f"x{place}: {tag}"
    return draw(st.sampled_from(["", "", "%TAG ! tag:yaml.org,2002:\n---\n"])) + "\n".join(lines)


@st.composite
def large(draw: st.DrawFn) -> str:
    """A piece over and over, up to and beyond the largest file."""
    piece = draw(st.sampled_from(LARGE) | st.sampled_from(PIECES))
    size = draw(
        st.sampled_from([2000, 90_000, 90_000, MAX_BYTES // 2, MAX_BYTES - 2000, MAX_BYTES + 1])
    )
    head = draw(
        st.sampled_from(["", "title: '", 'title: "', "title: |\n  ", "x: [", "x: !", EXAMPLES[0]])
    )
    text = piece * (size // len(piece.encode()))
    return head + cut_lines(text, draw(st.sampled_from([80, 90_000, 10**6])))


@st.composite
def keys(draw: st.DrawFn) -> str:
    """Very long keys, keys given twice, and keys that are no text."""
    key = draw(
        st.sampled_from(
            ["k" * 50_000, "k" * 201, "a." * 99, "a." * 2000, "", "<<", "[]", "{}", "1"]
        )
    )
    form = draw(
        st.sampled_from(["{}: 1\n", "? {}\n: 1\n", '"{}": 1\n', '? "{}"\n: 1\n', "x: {{{}: 1}}\n"])
    )
    where = draw(st.sampled_from(["", EXAMPLES[0], EXAMPLES[0] + "variants:\n- "]))
    return where + form.format(key) * draw(st.integers(1, 5))


TEXTS = st.one_of(
    *(mutations(), mutations(), numbers(), GRAMMAR, objects(), st.text(max_size=300)),
    *(bombs(), nests(), keys(), large()),
)


def encoded(text: str) -> st.SearchStrategy[bytes]:
    """A text as a file holds it; seldom in another encoding than UTF-8."""
    utf_8 = text.encode("utf-8", "surrogatepass")
    others = [b"\xef\xbb\xbf" + utf_8, text.encode("utf-16", "surrogatepass"), utf_8[:-1] + b"\xff"]
    return st.sampled_from([*[utf_8] * 27, *others])


DOCUMENTS = TEXTS.flatmap(encoded) | TEXTS.flatmap(encoded) | st.binary(max_size=300)

VALUES = NUMBERS | GRAMMAR | st.sampled_from([*TAGS, *PIECES]) | nests()
OVERRIDES = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(PATHS), VALUES).map("=".join),
        st.tuples(st.sampled_from(PATHS), VALUES).map("=".join),
        st.sampled_from(PATHS).map(lambda path: f"~{path}"),
        st.tuples(st.integers(1, 3000), VALUES).map(lambda deep: f"{'a.' * deep[0]}a={deep[1]}"),
        st.text(st.characters(), max_size=30),
    ),
    max_size=3,
)
