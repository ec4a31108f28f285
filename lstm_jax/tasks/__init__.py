"""Problems with long dependencies, one file a family: pure samplers with their scores."""

from lstm_jax.tasks.adding import Adding
from lstm_jax.tasks.base import Batch, HeldOut, SampledTask, Scores, Task, Window
from lstm_jax.tasks.continual_reber import ContinualReber
from lstm_jax.tasks.copying import Copying
from lstm_jax.tasks.counting import Counting
from lstm_jax.tasks.distractors import Distractors
from lstm_jax.tasks.flip_flop import FlipFlop
from lstm_jax.tasks.formal_language import FormalLanguage
from lstm_jax.tasks.images import Images
from lstm_jax.tasks.long_lag import LongLag
from lstm_jax.tasks.multiplication import Multiplication
from lstm_jax.tasks.reber import Reber
from lstm_jax.tasks.recall import AssociativeRecall, InductionHeads
from lstm_jax.tasks.selective_copying import SelectiveCopying
from lstm_jax.tasks.stories import Stories
from lstm_jax.tasks.temporal_order import ContinualTemporalOrder, TemporalOrder
from lstm_jax.tasks.text import Text
from lstm_jax.tasks.timing import PeriodicFunction, SpikeDelays, TimedSpikes
from lstm_jax.tasks.two_sequences import TwoSequences
from lstm_jax.tasks.warping import Warping

TASKS: dict[str, type[Task]] = {
    "adding": Adding,
    "associative_recall": AssociativeRecall,
    "continual_reber": ContinualReber,
    "continual_temporal_order": ContinualTemporalOrder,
    "copying": Copying,
    "counting": Counting,
    "digits": Images,
    "distractors": Distractors,
    "flip_flop": FlipFlop,
    "formal_language": FormalLanguage,
    "induction_heads": InductionHeads,
    "long_lag": LongLag,
    "multiplication": Multiplication,
    "periodic_function": PeriodicFunction,
    "reber": Reber,
    "selective_copying": SelectiveCopying,
    "spike_delays": SpikeDelays,
    "stories": Stories,
    "temporal_order": TemporalOrder,
    "text": Text,
    "timed_spikes": TimedSpikes,
    "two_sequences": TwoSequences,
    "warping": Warping,
}
"""Every task by the name that configs use."""

__all__ = [
    "TASKS",
    "Adding",
    "AssociativeRecall",
    "Batch",
    "ContinualReber",
    "ContinualTemporalOrder",
    "Copying",
    "Counting",
    "Distractors",
    "FlipFlop",
    "FormalLanguage",
    "HeldOut",
    "Images",
    "InductionHeads",
    "LongLag",
    "Multiplication",
    "PeriodicFunction",
    "Reber",
    "SampledTask",
    "Scores",
    "SelectiveCopying",
    "SpikeDelays",
    "Stories",
    "Task",
    "TemporalOrder",
    "Text",
    "TimedSpikes",
    "TwoSequences",
    "Warping",
    "Window",
]
