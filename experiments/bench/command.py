"""The subcommand: what it takes, and what it prints and leaves behind."""

import argparse
import dataclasses
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import jax
from rich.console import Console

from experiments.bench import layer_tables, layers, memory, peers, summary, training
from experiments.bench.hardware import Neighbours, surroundings, told, told_others
from experiments.bench.problem import SHAPES, WrongAnswer, parse_shape
from experiments.bench.timing import ROUNDS, Timing
from experiments.files import write
from experiments.page import Place
from experiments.run.run import BadInput
from experiments.table import WIDTH, Table
from lstm_jax.checks import Size, check, named
from lstm_jax.executors import EXECUTORS

Found = tuple[list[Table], dict[str, Any]]
"""What a benchmark found: for a reader, and for a program."""


class Bench(NamedTuple):
    """A benchmark, the options that it takes and the peers that it can be compared with."""

    run: Callable[[argparse.Namespace, Console], Found]
    options: tuple[str, ...] = ()
    rivals: Mapping[str, peers.Peer] = MappingProxyType({})

    @property
    def timed(self) -> bool:
        """Whether its figures depend on what else the machine does."""
        return "rounds" in self.options


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `bench`."""
    parser.add_argument("what", help=" | ".join(BENCHES))
    parser.add_argument(
        "--peers",
        nargs="*",
        metavar="NAME",
        help=f"of {', '.join(peers.PEERS)}; left out, all that are installed",
    )
    parser.add_argument("--rounds", type=int, help=f"default: {ROUNDS}")
    parser.add_argument(
        "--shape",
        action="append",
        metavar="B,T,I,H",
        help="layers: instead of the seven shapes; may be given again",
    )
    parser.add_argument(
        "--executors",
        action="store_true",
        default=None,
        help="layers: each executor of ours as well",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all that was measured")
    parser.add_argument(
        "--markdown", type=Path, metavar="FILE", help="put the tables in their place on this page"
    )


def bench(options: argparse.Namespace, console: Console) -> int:
    """Run a benchmark; the exit status: 0, or 1 where an entry computes something else.

    Raises BadInput before anything is run.
    """
    asked = command_of(options)
    try:
        chosen: Bench = named("benchmark", options.what, BENCHES)
        place = None
        if options.markdown is not None:
            place = Place(options.markdown, f"{options.what} on {jax.default_backend()}")
        settle(options, chosen, console)
    except ValueError as error:
        raise BadInput(str(error)) from error
    jax.config.update("jax_enable_compilation_cache", False)  # compiling is timed
    console.width = max(console.width, WIDTH)
    where = surroundings(options.peers)
    neighbours = Neighbours()
    console.print(told(where) + "\n", highlight=False, markup=False)
    try:
        tables, found = chosen.run(options, console)
    except WrongAnswer as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted: nothing is written", file=sys.stderr)
        raise
    heading = f"`{asked}`: {told(where)}"
    if chosen.timed:
        where["others"] = neighbours.share
        others = told_others(where["others"])
        console.print(others, highlight=False, markup=False)
        heading += f" {others}"
    if options.json is not None:
        content = {"benchmark": options.what, "environment": where} | found
        write(options.json, json.dumps(content, indent=1, default=as_json, allow_nan=False))
    if place is not None:
        place.fill("\n\n".join([heading, *(table.markdown() for table in tables)]))
    return 0


def command_of(options: argparse.Namespace) -> str:
    """The command that measures the same again, with the options that were given."""
    words = ["python -m experiments bench", options.what]
    if options.peers is not None:
        words += ["--peers", *options.peers]
    if options.rounds is not None:
        words.append(f"--rounds {options.rounds}")
    words += [f"--shape {shape}" for shape in options.shape or ()]
    if options.executors:
        words.append("--executors")
    return " ".join(words)


def settle(options: argparse.Namespace, chosen: Bench, console: Console) -> None:
    """Put in what was left out; ValueError for what cannot be obeyed."""
    for option in ("peers", "rounds", "shape", "executors"):
        if getattr(options, option) is not None and option not in chosen.options:
            takers = [name for name, each in BENCHES.items() if option in each.options]
            raise ValueError(f"bench {options.what} takes no --{option}; {', '.join(takers)} do")
    options.rounds = ROUNDS if options.rounds is None else options.rounds
    check("--rounds", options.rounds, Size)
    options.shapes = [parse_shape(text) for text in options.shape or ()] or SHAPES
    if options.json is not None and (options.json.is_dir() or not options.json.parent.is_dir()):
        raise ValueError(f"--json {options.json}: no file can be written there")
    options.peers = chosen_peers(options.peers, chosen.rivals, console)


def chosen_peers(
    asked: Sequence[str] | None, known: Mapping[str, peers.Peer], console: Console
) -> list[str]:
    """The peers to compare with; ValueError for one asked for that cannot be had."""
    if asked is not None:
        for name in asked:
            named("peer", name, known)
            peers.load(name)
        return list(dict.fromkeys(asked))
    there = []
    for name in known:
        try:
            peers.load(name)
        except peers.Unavailable as error:
            console.print(f"Left out: {error}", highlight=False, markup=False)
        else:
            there.append(name)
    return there


def run_layers(options: argparse.Namespace, console: Console) -> Found:
    """All shapes, each printed as soon as it is done."""
    results, tables = [], []
    for shape in options.shapes:
        console.print(f"{shape} ...", style="dim", highlight=False)  # a spinner would take time
        results.append(layers.run(shape, options.peers, options.rounds, options.executors or False))
        own = [layer_tables.shape_table(results[-1])]
        if options.executors:
            own.append(layer_tables.executors_table(results[-1]))
        tables += shown(own, console)
    total = shown([layer_tables.summary_table(results)], console)
    return [*total, *tables], {"summary": summary.summarise(results), "results": results}


def run_training(options: argparse.Namespace, console: Console) -> Found:
    """All settings."""
    results = []
    for setting in training.SETTINGS:
        console.print(f"{setting} ...", style="dim", highlight=False)
        results.append(training.run(setting, options.peers, options.rounds))
    tables = shown([training.table(results)], console)
    return tables, {"summary": training.summarise(results), "results": results}


def run_memory(options: argparse.Namespace, console: Console) -> Found:
    """All executors and losses."""
    results = []
    for executor in EXECUTORS:
        for loss in memory.LOSSES:
            with console.status(f"{executor}, loss of {loss}"):
                results.append(memory.run(executor, loss, memory.STEPS))
    return shown([memory.table(results)], console), {"results": results}


def shown(tables: list[Table], console: Console) -> list[Table]:
    """The tables, printed."""
    for table in tables:
        table.print(console)
    return tables


def as_json(value: Any) -> Any:
    """What `json` does not know: our records, by their fields."""
    if isinstance(value, Timing):
        return value.as_json()
    return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}


BENCHES = {
    "layers": Bench(run_layers, ("peers", "rounds", "shape", "executors"), peers.PEERS),
    "training": Bench(run_training, ("peers", "rounds"), peers.TRAINING),
    "memory": Bench(run_memory),
}
"""Every benchmark by name."""
