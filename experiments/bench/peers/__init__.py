"""The frameworks that we are compared with; one is imported only when it is asked for."""

import importlib
import importlib.metadata
from types import ModuleType
from typing import NamedTuple


class Peer(NamedTuple):
    """A framework: the file here that runs it, and the package that it is installed as.

    Every file has `entries(name, problem, devices)`, a list of `Entry`.
    """

    file: str
    package: str


PEERS = {
    "torch": Peer("torch", "torch"),
    "nnx": Peer("flax", "flax"),
    "linen": Peer("flax", "flax"),
    "haiku": Peer("haiku", "dm-haiku"),
    "equinox": Peer("equinox", "equinox"),
    "keras": Peer("keras", "keras"),
}
"""Every framework by the name that the command line takes."""


TRAINING = {"torch": PEERS["torch"]}
"""Those that training is compared with."""


class Unavailable(ValueError):
    """A peer cannot be run here, and what would help."""


def version(name: str) -> str:
    """The installed version of a peer; Unavailable where there is none."""
    try:
        return importlib.metadata.version(PEERS[name].package)
    except importlib.metadata.PackageNotFoundError:
        raise Unavailable(
            f'{name} is not installed; the extra "peers" brings it: pip install -e ".[peers]"'
        ) from None


def load(name: str) -> ModuleType:
    """The file that runs a peer's layer; Unavailable where the peer cannot be run here."""
    version(name)
    return importlib.import_module(f"{__name__}.{PEERS[name].file}")


def load_training(name: str) -> ModuleType:
    """The file that trains with a peer; it has `Loop`."""
    return importlib.import_module(f"{__name__}.{TRAINING[name].file}_training")
