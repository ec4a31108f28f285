"""The command line: `python -m experiments COMMAND ...`.

    run CONFIG [key=value ...] [--out DIR]      train, and leave a run directory behind
    compile CONFIG [key=value ...] --platform P what its training step costs on a platform
    bench layers|training|memory                time it side by side with other frameworks
    list                                        what there is to name in a config

Exit status: 0 done, 1 failed, diverged or too large for the platform, 2 bad input, 130 interrupted
from the keyboard.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import jax
from rich.console import Console

from experiments import STARTED
from experiments.bench.command import add_arguments, bench
from experiments.catalogue import print_catalogue
from experiments.compile import compile_step
from experiments.config import ConfigError, load
from experiments.record import cores, default_path
from experiments.run import BadInput, run

STATUS = {"completed": 0, "diverged": 1, "interrupted": 130}
BAD_INPUT = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status."""
    options = parse(arguments)
    use_all_cores()
    console = Console(soft_wrap=True)
    try:
        if options.command == "list":
            print_catalogue(console)
            return 0
        if options.command == "bench":
            return bench(options, console)
        experiment = load(options.config, options.overrides)
        if options.command == "compile":
            return 0 if compile_step(experiment, options.platform, console) else 1
        out = options.out or default_path(options.config)
        status = run(experiment, out, console, STARTED)
    except (ConfigError, BadInput) as error:
        print(error, file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        return STATUS["interrupted"]
    return STATUS[status]


def use_all_cores() -> None:
    """Make every CPU core a device of JAX, over which seeds and batches are spread."""
    if "JAX_NUM_CPU_DEVICES" not in os.environ:
        jax.config.update("jax_num_cpu_devices", cores())


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The command and its options; exits with status 2 where they cannot be understood."""
    parser = argparse.ArgumentParser(
        prog="python -m experiments", description="Recurrent networks on long dependencies."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    train = commands.add_parser("run", help="train a config and leave a run directory behind")
    train.add_argument("--out", type=Path, help="the run directory, new or empty")
    estimate = commands.add_parser(
        "compile", help="compile a config's training step for a platform, and tell what it costs"
    )
    estimate.add_argument("--platform", required=True, help="cpu, cuda, or as tpu:v5e:2x2")
    for command in (train, estimate):
        command.add_argument(
            "config", type=Path, help="a YAML file; `list` names those that are here"
        )
        command.add_argument(
            "overrides",
            nargs="*",
            metavar="key=value",
            help="train.seeds=8, say; or ~model.bias, to leave a key out",
        )
    add_arguments(commands.add_parser("bench", help="time it side by side with other frameworks"))
    commands.add_parser("list", help="tasks, cells, executors, optimizers and configs")
    options, rest = parser.parse_known_args(arguments)
    if rest and ("overrides" not in options or any(word.startswith("-") for word in rest)):
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    if rest:
        options.overrides += rest  # those that stand behind an option
    return options


if __name__ == "__main__":
    sys.exit(main())
