"""A hundred hostile documents, and three with COMPLETE=1; `make reliability` has ten thousand, and
measures memory.
"""

from pathlib import Path

import pytest
from hypothesis import given, settings

from tests.conftest import COMPLETE
from tests.experiments.config.documents import (
    DOCUMENTS,
    EXAMPLES,
    OVERRIDES,
    judge,
    warm_up,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where documents are written, after all that loading makes once is made."""
    folder = tmp_path_factory.mktemp("documents")
    warm_up(folder)
    return folder


@pytest.mark.parametrize("text", EXAMPLES)
def test_what_is_judged_may_be_sound(folder: Path, text: str) -> None:
    assert judge(text.encode(), [], folder).experiment is not None


@settings(max_examples=300 if COMPLETE else 100)
@given(document=DOCUMENTS, overrides=OVERRIDES)
def test_any_document(folder: Path, document: bytes, overrides: list[str]) -> None:
    judge(document, overrides, folder)
