"""Whether a step fits, and how its costs are told."""

import io
from typing import Any

import jax
import pytest
from rich.console import Console

from experiments.compile.costs import Costs, Memory, flops, print_costs, size
from experiments.compile.platforms import Target
from lstm_jax import LSTM
from lstm_jax.unroll import choose_executor

MEMORY = Memory(arguments=100, outputs=90, reused=80, temporary=1000, code=5)
CPU = Target("cpu", jax.devices("cpu"), 4000, "this machine's memory", shared=True)
TPU = CPU._replace(name="tpu", source="HBM", shared=False)


def costs(target: Target = TPU, devices: int = 2, **changes: Any) -> Costs:
    return Costs(target, devices, MEMORY, 12_345_678, 0.5, 1.25)._replace(**changes)


def told(costs: Costs) -> dict[str, str]:
    out = io.StringIO()
    print_costs(Console(file=out, width=100), [], costs)
    return dict(line.strip().split(maxsplit=1) for line in out.getvalue().splitlines())


def test_outputs_in_place_of_arguments_need_no_room() -> None:
    assert MEMORY.needed == 100 + (90 - 80) + 1000 + 5
    assert MEMORY._replace(temporary=None).needed is None


@pytest.mark.parametrize("available, fits", [(1114, False), (1115, True)])
def test_a_device_has_its_own_memory(available: int, fits: bool) -> None:
    assert costs(TPU._replace(memory=available), devices=8).fits is fits


@pytest.mark.parametrize("available, fits", [(3 * 1115 - 1, False), (3 * 1115, True)])
def test_or_shares_it(available: int, fits: bool) -> None:
    assert costs(CPU._replace(memory=available), devices=3).fits is fits


def test_what_is_not_known_is_not_said() -> None:
    assert costs(TPU._replace(memory=None)).fits is None
    assert costs(memory=MEMORY._replace(temporary=None)).fits is None
    assert costs(memory=MEMORY._replace(temporary=None), refusal="no room").fits is False


def test_all_of_it_is_told() -> None:
    assert told(costs()) == {
        "arguments": "100 bytes on each device",
        "outputs": "90 bytes on each device, 80 bytes in place of arguments",
        "temporary": "0.977 KiB on each device",
        "FLOPs": "12.3 MFLOP of matrix products in a step on each device",
        "time": "0.5 s tracing, 1.2 s compiling",
        "fits": "yes: 1.09 KiB on each device, of 3.91 KiB (HBM)",
    }
    assert told(costs(devices=1))["fits"] == "yes: 1.09 KiB, of 3.91 KiB (HBM)"
    assert told(costs(CPU, 4))["fits"] == (
        "no: 4.36 KiB for 4 devices, of 3.91 KiB (this machine's memory)"
    )


def test_without_a_gpu_s_compiler_it_says_so() -> None:
    lowered = told(
        costs(
            TPU._replace(name="cuda", memory=None, compiles=False),
            memory=MEMORY._replace(temporary=None),
            compiling=None,
        )
    )
    assert lowered["temporary"] == "not known without an NVIDIA GPU's compiler"
    assert lowered["time"] == "0.5 s tracing, not compiled"
    assert lowered["fits"] == "not known"


def test_a_refusal_is_told_in_the_compiler_s_words() -> None:
    refused = told(costs(memory=MEMORY._replace(temporary=None), refusal="Ran out of HBM"))
    assert refused["temporary"] == "not known"
    assert refused["fits"] == "no: Ran out of HBM"


def test_the_executor_and_why_not_the_others() -> None:
    out, choice = io.StringIO(), choose_executor(LSTM(4), "fused")
    print_costs(Console(file=out, width=200), [("LSTM(hidden_size=4)", choice)], costs())
    first, *others = (line.strip() for line in out.getvalue().splitlines()[:-6])
    assert first == "executor   Fused() for LSTM(hidden_size=4)"
    assert others == [f"not {name}: {why}" for name, why in choice.others.items()]


@pytest.mark.parametrize(
    "text, expected",
    [
        (size(0), "0 bytes"),
        (size(999), "999 bytes"),
        (size(1000), "0.977 KiB"),
        (size(1024**2 - 1), "1 MiB"),
        (size(16 * 1024**3), "16 GiB"),
        (size(3 * 1024**4), "3 TiB"),
        (flops(0), "0 FLOP"),
        (flops(999_999), "1 MFLOP"),
        (flops(2_450_000_000_000), "2.45 TFLOP"),
    ],
)
def test_numbers_for_people(text: str, expected: str) -> None:
    assert text == expected
