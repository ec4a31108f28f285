from pathlib import Path

import pytest

from experiments.files import write


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write(path, "before")
    with pytest.raises(UnicodeEncodeError):
        write(path, "after \ud800")
    assert path.read_text() == "before"
