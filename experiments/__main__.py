"""The command line: `python -m experiments COMMAND ...`.

    run CONFIG [key=value ...] [--out DIR]      train, and leave a run directory behind
        --resume                                go on from its newest checkpoint
        --distributed [SPEC]                    as one of several processes
    compile CONFIG [key=value ...] --platform P what its training step costs on a platform
    bench layers|training|memory                time it side by side with other frameworks
    sweep SWEEP.yaml [--engine E] [--out DIR]   train a config in many settings
    reproduce STUDY [--recipe R] [--rows P]     the rows of a paper, beside ours
    report RUN [RUN ...] [--out FILE]           a page of pictures about runs, in one HTML file
    compare_cells [SWEEP.yaml] [--out DIR]      Elman, IRNN, GRU and LSTM: a sweep and its report
    frontier [STUDY.yaml] [--page FILE.md]      how long a lag each model bridges, lag by lag
    list                                        what there is to name in a config
    show TASK [key=value ...]                   a few sequences of a task as text

Exit status: 0 done, 1 failed, diverged, too large for the platform or short of the paper, 2 bad
input, 130 interrupted from the keyboard, 143 terminated. A run that a signal ended has saved all
that it had, and `--resume` goes on from there; a second Ctrl-C ends it at once.
"""

import argparse
import io
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import jax
from rich.console import Console

from experiments import STARTED
from experiments.bench.command import add_arguments as add_bench_arguments
from experiments.bench.command import bench
from experiments.catalogue import print_catalogue
from experiments.compile.command import compile_step
from experiments.config import ConfigError, load
from experiments.distributed import abandon, first, join, leave, text_from_first
from experiments.frontier.command import add_arguments as add_frontier_arguments
from experiments.frontier.command import frontier
from experiments.report.command import add_arguments as add_report_arguments
from experiments.report.command import add_comparison_arguments, compare_cells, report
from experiments.reproduce.command import add_arguments as add_reproduce_arguments
from experiments.reproduce.command import reproduce
from experiments.run.curriculum import run_all
from experiments.run.directory import default_path, latest_path
from experiments.run.environment import cores
from experiments.run.run import BadInput, Failed
from experiments.run.signals import Stopped
from experiments.show import add_arguments as add_show_arguments
from experiments.show import show
from experiments.sweep.command import add_arguments as add_sweep_arguments
from experiments.sweep.command import sweep

STATUS = {"completed": 0, "diverged": 1, "interrupted": 130, "terminated": 143}
FAILED, BAD_INPUT = 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status."""
    options = parse(arguments)
    use_all_cores()
    try:
        return COMMANDS[options.command].run(options, Console(soft_wrap=True))
    except (ConfigError, BadInput) as error:
        print(error, file=sys.stderr)
        return BAD_INPUT
    except Failed as error:
        print(error, file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return STATUS["interrupted"]


def train(options: argparse.Namespace, console: Console) -> int:
    """`run`, in one process or as one of several; the exit status."""
    experiment = load(options.config, options.overrides)
    if options.distributed is None:
        return STATUS[run_all(experiment, run_path(options), console, STARTED, options.resume)]
    try:
        join(options.distributed)
    except ValueError as error:
        raise BadInput(str(error)) from error
    try:
        if not first():
            console = Console(file=io.StringIO())
        out = Path(text_from_first(str(run_path(options))))
        status = run_all(experiment, out, console, STARTED, options.resume)
    except Stopped as stopped:
        abandon(STATUS[str(stopped)])
    except (BadInput, Failed) as error:
        print(error, file=sys.stderr)
        abandon(BAD_INPUT if isinstance(error, BadInput) else FAILED)
    except BaseException:
        traceback.print_exc()
        abandon(FAILED)
    leave()
    return STATUS[status]


def run_path(options: argparse.Namespace) -> Path:
    """The run directory: as asked for, the latest of the config to resume, or a new one."""
    latest = latest_path(options.config) if options.resume else None
    out: Path = options.out or latest or default_path(options.config)
    return out


def use_all_cores() -> None:
    """Make every CPU core a device of JAX, over which seeds and batches are spread."""
    if "JAX_NUM_CPU_DEVICES" not in os.environ:
        jax.config.update("jax_num_cpu_devices", cores())


def compile_config(options: argparse.Namespace, console: Console) -> int:
    """`compile`; the exit status."""
    experiment = load(options.config, options.overrides)
    return 0 if compile_step(experiment, options.platform, console) else FAILED


def list_all(_: argparse.Namespace, console: Console) -> int:
    """`list`; the exit status."""
    print_catalogue(console)
    return 0


def show_task(options: argparse.Namespace, console: Console) -> int:
    """`show`; the exit status."""
    show(options, console)
    return 0


def add_train_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `run`."""
    parser.add_argument("--out", type=Path, help="the run directory, new or empty")
    parser.add_argument(
        "--resume",
        action="store_true",
        help="go on with the run in --out, or the latest of this config; begin if there is none",
    )
    parser.add_argument(
        "--distributed",
        nargs="?",
        const="auto",
        metavar="SPEC",
        help="join the processes of one run: HOST:PORT,COUNT,INDEX; left out, as Slurm, Open MPI "
        "or Kubernetes tell",
    )
    add_config_arguments(parser)


def add_compile_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `compile`."""
    parser.add_argument("--platform", required=True, help="cpu, cuda, or as tpu:v5e:2x2")
    add_config_arguments(parser)


def add_config_arguments(parser: argparse.ArgumentParser) -> None:
    """A config, and what is laid over it."""
    parser.add_argument("config", type=Path, help="a YAML file; `list` names those that are here")
    parser.add_argument(
        "overrides",
        nargs="*",
        metavar="key=value",
        help="train.seeds=8, say; or ~model.bias, to leave a key out",
    )


class Command(NamedTuple):
    """What the command line can be asked for."""

    about: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace, Console], int]
    """Gives the exit status."""


COMMANDS = {
    "run": Command("train a config and leave a run directory behind", add_train_arguments, train),
    "compile": Command(
        "compile a config's training step for a platform, and tell what it costs",
        add_compile_arguments,
        compile_config,
    ),
    "bench": Command("time it side by side with other frameworks", add_bench_arguments, bench),
    "sweep": Command("train a config in many settings", add_sweep_arguments, sweep),
    "reproduce": Command(
        "train the rows of a paper, and hold them against it", add_reproduce_arguments, reproduce
    ),
    "report": Command(
        "a page of pictures about runs, in one HTML file", add_report_arguments, report
    ),
    "compare_cells": Command(
        "Elman, IRNN, GRU, LSTM: train, and a page", add_comparison_arguments, compare_cells
    ),
    "frontier": Command(
        "how long a lag each model bridges, lag by lag", add_frontier_arguments, frontier
    ),
    "list": Command(
        "tasks, cells, executors, optimizers, configs and studies", lambda _: None, list_all
    ),
    "show": Command("a few sequences of a task as text", add_show_arguments, show_task),
}


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The command and its options; exits with status 2 where they cannot be understood."""
    parser = argparse.ArgumentParser(
        prog="python -m experiments", description="Recurrent networks on long dependencies."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name, command in COMMANDS.items():
        command.add_arguments(commands.add_parser(name, help=command.about))
    options, rest = parser.parse_known_args(arguments)
    if rest and ("overrides" not in options or any(word.startswith("-") for word in rest)):
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    if rest:
        options.overrides += rest  # those that stand behind an option
    return options


if __name__ == "__main__":
    status = main()
    if "run" in sys.argv[1:2] and status in (STATUS["interrupted"], STATUS["terminated"]):
        abandon(status)  # an ordinary exit would wait for XLA, if it is compiling
    sys.exit(status)
