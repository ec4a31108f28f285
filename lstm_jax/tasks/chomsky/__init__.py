"""The formal languages of Deletang et al. 2022, a file for each class of the Chomsky hierarchy."""

from lstm_jax.tasks.chomsky.base import Language, Sentence
from lstm_jax.tasks.chomsky.context_free import CONTEXT_FREE
from lstm_jax.tasks.chomsky.context_sensitive import CONTEXT_SENSITIVE
from lstm_jax.tasks.chomsky.regular import REGULAR

LANGUAGES = REGULAR | CONTEXT_FREE | CONTEXT_SENSITIVE
"""Every language by the name that configs use."""

__all__ = ["CONTEXT_FREE", "CONTEXT_SENSITIVE", "LANGUAGES", "REGULAR", "Language", "Sentence"]
