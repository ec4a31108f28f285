"""The tables of `bench layers`: one for each shape, one for each shape's executors, and the sum."""

from collections.abc import Sequence

from experiments.bench.entry import WAYS
from experiments.bench.layers import Result, Row
from experiments.bench.ours import COMPILED, OURS
from experiments.bench.summary import shares_of_ceiling, summarise
from experiments.bench.timing import SPREAD, milliseconds
from experiments.table import Table
from experiments.words import digits

WIDE = 256
"""Units from which on a layer is held to the ceiling of matrix products."""


def summary_table(results: Sequence[Result]) -> Table:
    """The summary for a reader."""
    summary = summarise(results)
    rows = []
    for rival, ways in summary["times_as_fast_as"].items():
        for way, found in ways.items():
            mean, worst = (f"{found[key]:.2f}" for key in ("geometric_mean", "worst"))
            rows.append((f"{way}, against {rival}", mean, worst, found["worst_shape"]))
    compiling = summary["compile_fused_over_scan"]
    slowest = max(compiling["by_shape"], key=lambda shape: compiling["by_shape"][shape])
    mean, worst = (f"{compiling[key]:.2f}" for key in ("geometric_mean", "worst"))
    what = f"compile seconds of the gradient, {COMPILED[0]} / {COMPILED[1]}"
    rows.append((what, mean, worst, slowest))
    for result in results:
        if result.shape.H >= WIDE:
            share = shares_of_ceiling(result, result.rows[0])["gradient"]
            rows.append(("gradient, share of the ceiling", f"{share:.0%}", "", str(result.shape)))
    return Table(
        "Over all shapes: how many times as fast ours is",
        ("", "geometric mean", "worst", "at"),
        rows,
        (
            SPREAD,
            "The gradient is that of all parameters, not of the inputs. JAX entries on several "
            "devices: the batch shared out by jax.shard_map, gradients added up by psum.",
            f"Ceiling: {ceilings(results)} GFLOP/s, a large float32 matrix product in the same "
            "rounds. FLOPs counted: forward 8·B·T·H·(I+H); gradient those again, 8·B·T·H·H back "
            "through time and 8·B·T·H·(I+H) of the weights.",
        ),
    )


def ceilings(results: Sequence[Result]) -> str:
    """The ceiling, least to greatest over the shapes."""
    found = sorted(result.flops_per_second / 1e9 for result in results)
    return digits(found[0]) if len(found) == 1 else f"{digits(found[0])} to {digits(found[-1])}"


def shape_table(result: Result) -> Table:
    """What was found at one shape."""
    base = result.rows[0]
    rows = [
        (
            row.name,
            row.runs_on,
            *(cell for way in WAYS for cell in _against(row, base, way)),
            digits(row.compile_seconds["gradient"]) if row.compile_seconds else "–",
        )
        for row in result.rows
    ]
    notes: tuple[str, ...] = ()
    if not base.sharded and result.devices > 1:
        notes = (
            f"A batch of {result.shape.B} cannot be shared out over {result.devices} devices: "
            "all run on one.",
        )
    furthest = max(max(row.distances.values()) for row in [*result.rows, *result.executors])
    return Table(
        str(result.shape),
        ("", "runs on", "forward, ms", "/ ours", "gradient, ms", "/ ours", "compile, s"),
        rows,
        (*notes, f"Outputs and gradients of all within {furthest:.0e} of float64."),
    )


def _against(row: Row, base: Row, way: str) -> tuple[str, str]:
    timing, own = row.timings[way], base.timings[way]
    return milliseconds(timing), f"{timing.median / own.median:.2f}"


def executors_table(result: Result) -> Table:
    """Our executors at one shape, in microseconds a step too."""
    rows = [
        (
            row.name.removeprefix(f"{OURS} "),
            row.runs_on,
            *(
                cell
                for way in WAYS
                for cell in (
                    digits(1e3 * row.timings[way].median),
                    digits(1e6 * row.timings[way].median / result.shape.T),
                )
            ),
            f"{shares_of_ceiling(result, row)['gradient']:.0%}",
            digits(row.compile_seconds["gradient"]),
        )
        for row in result.executors
    ]
    columns = ("forward, ms", "µs/step", "gradient, ms", "µs/step", "ceiling", "compile, s")
    notes = tuple(f"Not {name}: {why}." for name, why in result.refusals.items())
    return Table(f"Executors at {result.shape}", ("", "runs on", *columns), rows, notes)
