"""The sections on what was learnt: curves, a table of arms, and how they compare."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from experiments.config import Experiment, Published
from experiments.config.writer import inline, plain
from experiments.report.album import Album
from experiments.report.arms import Arm, Levels
from experiments.report.figures.curves import learning_curves
from experiments.report.figures.seeds import sequences_to_solve
from experiments.report.page import Block, Section, Table, Text
from experiments.report.statistics import LEVEL, Comparison
from experiments.report.story import beside_published, interval, number, spread, who_wins

RATE_NOTE = "The interval is the 95% confidence interval of the solve rate (Wilson 1927)."
TEST_NOTE = (
    f"p: of the difference from the best, an exact rank-sum test over seeds (Wilcoxon 1945; Mann & "
    f"Whitney 1947), two-sided, adjusted for all pairs (Holm 1979). A seed that "
    f"did not solve the task within the sequences that all were given ranks last. Below {LEVEL} a "
    f"difference counts as significant."
)
MAX_COLUMNS = 8
"""Arms that stand side by side in the table of differences."""


def learning(arms: Sequence[Arm], levels: Levels, album: Album) -> Section:
    """Learning curves, and what became of every arm or seed."""
    blocks: list[Block] = []
    if any(seed.curve.error for arm in arms for seed in arm.seeds):
        figure = learning_curves(arms, levels)
        blocks.append(
            album.add("learning-curves", figure, curves_alt(arms, levels), _curves_caption(arms))
        )
    if len(arms) == 1:
        blocks.append(seed_table(arms[0], levels))
    published = published_of(arms)
    if len(arms) > 1 and any(arm.needed for arm in arms):
        known = published.sequences if published else None
        source = published.source if published else ""
        figure = sequences_to_solve(arms, known, source)
        alt = "A row of dots for each setting: the sequences that each seed needed. " + "; ".join(
            f"{arm.label}: {arm.solved}" for arm in arms
        )
        blocks.append(album.add("sequences-to-solve", figure, alt, wide=True))
    return Section("learning", "What was learnt", blocks)


def seed_table(arm: Arm, levels: Levels) -> Table:
    """A row for each seed, then all of them together, then what others had."""
    rows = [
        (
            seed.name,
            "yes" if seed.needed is not None else seed.failed or "no",
            number(seed.needed, ",.0f"),
            f"{seed.seen:,}",
            number(seed.test_error),
        )
        for seed in arm.seeds
    ]
    together = f"{arm.solved} ({interval(arm)})"
    rows.append(("all, median", together, number(arm.median, ",.0f"), "", number(arm.error)))
    notes = [RATE_NOTE]
    published = published_of([arm])
    if published is not None:
        rate = number(published.solve_rate, ".0%")
        needed, error = number(published.sequences, ",.0f"), number(published.error)
        rows.append((f"published: {published.source}", rate, needed, "", error))
        notes.append(beside_published(arm, published))
    columns = ("seed", "solved", "sequences to solve", "sequences seen", f"test {levels.error}")
    return Table("Every seed, and all of them", columns, rows, notes, best=len(arm.seeds))


def is_changed(arm: Arm) -> bool:
    """Whether the command changed the task, of which the published figures are."""
    command = arm.run.environments[0].get("command", []) if arm.run.environments else []
    return any(word.startswith(("task.", "~task.")) for word in command)


def comparison(arms: Sequence[Arm], levels: Levels, found: Sequence[Comparison]) -> Section:
    """A table of all arms, what the test says, and in what they differ."""
    p = {each.other.label: each.p for each in found}
    ranked = sorted(arms, key=lambda arm: arm.standing)
    rows = []
    for arm in ranked:
        sequences = spread(arm.needed, ",.0f").removeprefix("a median of ") if arm.needed else "–"
        tested = f"{p[arm.label]:.2g}" if arm.label in p else ""
        rows.append((arm.label, arm.solved, interval(arm), sequences, number(arm.error), tested))
    columns = ("setting", "solved", "interval", "sequences to solve", f"test {levels.error}", "p")
    notes = [RATE_NOTE + " Sequences: the median (least to most) of the seeds that solved it."]
    blocks: list[Block] = [Text(sentence) for sentence in who_wins(found)]
    if not found:
        blocks.append(Text("The runs are not of one task, so nothing is said of which is better."))
    best = 0 if found else None
    blocks.append(
        Table(
            "Every setting, best first",
            columns,
            rows,
            [*notes, TEST_NOTE] if found else notes,
            best,
        )
    )
    if differences := difference_table(arms):
        blocks.append(differences)
    return Section("comparison", "Which does better", blocks)


def difference_table(arms: Sequence[Arm]) -> Table | None:
    """The keys of the configs, and of what they ran with, in which arms differ."""
    known = [arm for arm in arms if arm.experiment is not None]
    held = [_keys(arm) for arm in known]
    keys = dict.fromkeys(key for each in held for key in each)
    differing = [key for key in keys if len(Counter(each.get(key) for each in held)) > 1]
    if not differing or len(known) < 2:
        return None
    if len(known) <= MAX_COLUMNS:
        rows = [(key, *(each.get(key, "–") for each in held)) for key in differing]
        columns = ("key", *(arm.label for arm in known))
    else:
        rows = [
            (arm.label, *(each.get(key, "–") for key in differing))
            for arm, each in zip(known, held, strict=True)
        ]
        columns = ("setting", *differing)
    return Table("In what they differ; – is a key that a setting does not have", columns, rows)


def _keys(arm: Arm) -> dict[str, str]:
    assert arm.experiment is not None
    ran = arm.run.environments[-1] if arm.run.environments else {}
    found = dict(dotted(described(arm.experiment)))
    versions = {f"{name} (version)": each for name, each in ran.get("versions", {}).items()}
    others = {key: str(ran[key]) for key in ("commit", "backend", "platform") if ran.get(key)}
    return found | versions | others


def described(experiment: Experiment) -> dict[str, Any]:
    """The sections of a config that say what was learnt and how."""
    sections = plain(experiment)
    return {name: sections[name] for name in ("task", "model", "optimizer", "train")}


def dotted(section: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """The keys of a section with all that they lie in, and their values as YAML writes them.

    >>> dict(dotted({"model": {"cell": "lstm", "bias": {"name": "forget", "value": 1.0}}}))
    {'model.cell': 'lstm', 'model.bias.name': 'forget', 'model.bias.value': '1.0'}
    """
    for key, value in section.items():
        if isinstance(value, dict):
            yield from dotted(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", inline(value)


def published_of(arms: Sequence[Arm]) -> Published | None:
    """What others had, where all arms say the same and are still of that task."""
    known = {
        arm.experiment.published if arm.experiment and not is_changed(arm) else None for arm in arms
    }
    return known.pop() if len(known) == 1 else None


def curves_alt(arms: Sequence[Arm], levels: Levels) -> str:
    """What learning curves show, in words."""
    told = []
    for arm in arms:
        ends = [seed.curve.error[-1][1] for seed in arm.seeds if seed.curve.error]
        starts = [seed.curve.error[0][1] for seed in arm.seeds if seed.curve.error]
        if ends:
            name = f"{arm.label}: " if len(arms) > 1 else ""
            told.append(
                f"{name}from {spread(starts, '.2g')} at first to {spread(ends, '.2g')} at the end"
            )
    return f"Curves of the {levels.error} over training sequences. {'; '.join(told)}."


def _curves_caption(arms: Sequence[Arm]) -> str:
    said = (
        "Errors of training sequences, each before it was learnt from; a point is the mean since "
        "the one before."
    )
    if len(arms) > 1:
        said += " Thin: seeds. Thick: their median, where a seed that has stopped stays as it was."
    if any(arm.needed for arm in arms):
        said += (
            " A star is where a seed met the criterion of its task, which may ask for more than"
            " a mean below the threshold, and stopped."
        )
    if any(any(arm.run.summary.get("sequences_before", [])) for arm in arms):
        said += " Sequences of the runs that a seed had gone through before are counted, not drawn."
    return said
