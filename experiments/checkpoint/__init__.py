"""Checkpoints that are verified before they are trusted, and the lock of a run directory.

store.py      saves in the background, restores the newest checkpoint that verifies
folders.py    what the names of checkpoint folders say; which folders go
manifest.py   what a checkpoint holds, file by file and leaf by leaf, with its SHA-256
leaves.py     the leaves of a state: names, bytes, hashes
lock.py       one process at a time in a run directory
"""

from experiments.checkpoint.lock import Locked, RunLock
from experiments.checkpoint.store import Checkpoints, NoneVerifies, Restored, SaveFailed

__all__ = ["Checkpoints", "Locked", "NoneVerifies", "Restored", "RunLock", "SaveFailed"]
