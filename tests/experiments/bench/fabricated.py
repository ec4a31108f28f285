"""Results of `bench layers` that nobody measured."""

from experiments.bench.layers import Result, Row
from experiments.bench.problem import Shape
from experiments.bench.timing import Timing

BIG, ONE = Shape(64, 192, 64, 256), Shape(1, 1000, 2, 4)


def row(name: str, peer: str, forward: float, gradient: float, devices: int = 1) -> Row:
    timings = {"forward": Timing((forward,)), "gradient": Timing((gradient,))}
    plural = "s" * (devices > 1)
    return Row(
        name=name,
        peer=peer,
        runs_on="2 threads" if peer == "torch" else f"{devices} device{plural}",
        sharded=devices > 1,
        distances={"forward": 1e-7, "gradient": 3e-6},
        timings=timings,
        compile_seconds={} if peer == "torch" else {"forward": 0.5, "gradient": 1.25},
    )


def results() -> list[Result]:
    """Ours takes 1 and 2 seconds at BIG, 2 and 4 at ONE."""
    big = [
        row("lstm_jax fused", "lstm_jax", 1, 2, devices=2),
        row("lstm_jax fused", "lstm_jax", 1.5, 3),
        row("torch.nn.LSTM", "torch", 3, 4),
        row("nnx OptimizedLSTMCell", "nnx", 2, 8),
        row("nnx OptimizedLSTMCell", "nnx", 1.5, 5, devices=2),
        row("haiku LSTM", "haiku", 0.25, 6),
        row("haiku LSTM", "haiku", 0.5, 9, devices=2),
    ]
    one = [
        row("lstm_jax fused", "lstm_jax", 2, 4),
        row("torch.nn.LSTM", "torch", 2, 36),
        row("nnx OptimizedLSTMCell", "nnx", 6, 8),
        row("haiku LSTM", "haiku", 8, 3),
    ]
    executors = [row("lstm_jax checkpointed", "lstm_jax", 3, 4, devices=2)]
    compiling = [{"fused": Timing((3.0,)), "scan": Timing((each,))} for each in (1.5, 12.0)]
    why = {"cudnn": "it needs an NVIDIA GPU; this is cpu"}
    speed = BIG.gradient_flops / 2 / 0.8  # of which ours reaches 80%
    return [
        Result(BIG, 2, big, executors, why, compiling[0], speed),
        Result(ONE, 2, one, [], {}, compiling[1], speed),
    ]
