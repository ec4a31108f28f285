"""Configs: YAML 1.2 files into settings, or into a full account of what is wrong with them.

    experiment = load(Path("configs/adding.yaml"), ["train.seeds=4"])
    print(dump(experiment))

A file takes this way: `reader` (text) -> `tree` (values with their lines) -> `overrides` ->
`models` (types and ranges, derived from the settings classes) -> `schema.Experiment`.
"""

from experiments.config.faults import ConfigError, Fault
from experiments.config.loading import load
from experiments.config.schema import Experiment, ModelSettings, Published, Variant
from experiments.config.writer import dump

__all__ = [
    "ConfigError",
    "Experiment",
    "Fault",
    "ModelSettings",
    "Published",
    "Variant",
    "dump",
    "load",
]
