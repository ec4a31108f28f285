"""A study's section of a Markdown page, between two lines of its own.

<!-- frontier NAME -->
whatever stands here is replaced
<!-- end -->
"""

import re
from pathlib import Path

from experiments.files import write

END = "<!-- end -->"


def write_section(page: Path, name: str, text: str) -> None:
    """Put `text` into the section of a study, made at the end of the page where it has none."""
    begin = f"<!-- frontier {name} -->"
    old = page.read_text("utf-8") if page.exists() else ""
    if begin not in old:
        old += f"{'' if old in ('', chr(10)) else chr(10)}{begin}\n{END}\n"
    section = re.compile(f"(?<={re.escape(begin)}\n).*?(?={re.escape(END)})", re.DOTALL)
    write(page, section.sub(lambda _: f"\n{text}\n\n", old, count=1))
