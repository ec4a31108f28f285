"""A study: the folder of a paper, a recipe to each sweep sheet in it, a row to each of its cells.

configs/papers/hochreiter1997/
    original.yaml, modern.yaml    recipes: what tells them apart is how the same rows are trained
    base.yaml                     a config that recipes name, and no recipe
"""

import dataclasses
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from experiments.config.schema import Published
from experiments.run.run import BadInput
from experiments.sweep.sheet import Cell, Sheet, is_sheet, load_sheet
from lstm_jax.checks import named, nearest

PAPERS = Path(__file__).parents[2] / "configs" / "papers"


@dataclasses.dataclass(frozen=True)
class Recipe:
    """One way to train the rows of a paper."""

    name: str
    sheet: Sheet
    published: tuple[Published, ...]
    """What the paper has of each cell of the sheet."""

    @property
    def rows(self) -> tuple[str, ...]:
        """The rows by name, in the order of the sheet."""
        return tuple(each.row for each in self.published)

    def only(self, patterns: Sequence[str]) -> "Recipe":
        """The rows that match any of the patterns."""
        kept = [place for place, row in enumerate(self.rows) if matches(row, patterns)]
        sheet = dataclasses.replace(self.sheet, cells=tuple(self.sheet.cells[n] for n in kept))
        return Recipe(self.name, sheet, tuple(self.published[n] for n in kept))

    def with_seeds(self, count: int) -> "Recipe":
        """The same rows with another number of seeds."""
        return dataclasses.replace(self, sheet=self.sheet.with_seeds(count))


@dataclasses.dataclass(frozen=True)
class Study:
    """A paper and the recipes for its rows, by name."""

    name: str
    recipes: tuple[Recipe, ...]

    def chosen(
        self,
        recipes: Sequence[str] | None = None,
        patterns: Sequence[str] | None = None,
        seeds: int | None = None,
    ) -> "Study":
        """Those recipes, rows and so many seeds that are asked for; None leaves all as it is.

        Raises BadInput for a name or pattern that fits none, and a number that cannot be.
        """
        known = {recipe.name: recipe for recipe in self.recipes}
        try:
            for name in recipes or ():
                named("recipe", name, known)
            found = [each for each in self.recipes if recipes is None or each.name in recipes]
            if seeds is not None:
                found = [recipe.with_seeds(seeds) for recipe in found]
        except ValueError as error:
            raise BadInput(str(error)) from error
        if patterns is not None:
            rows = dict.fromkeys(row for recipe in found for row in recipe.rows)
            for pattern in patterns:
                if not any(matches(row, [pattern]) for row in rows):
                    raise BadInput(f"no row matches {pattern!r}; {nearest(pattern, rows)}")
            found = [each for each in (recipe.only(patterns) for recipe in found) if each.rows]
        return Study(self.name, tuple(found))


def load_study(name: str) -> Study:
    """The study in the folder of that name, below `PAPERS` or anywhere.

    Raises BadInput for a name of none and for rows that cannot be told apart, ConfigError with all
    that is wrong with a sheet.
    """
    folder = PAPERS / name if (PAPERS / name).is_dir() else Path(name)
    if not folder.is_dir():
        known = studies(PAPERS)
        there = nearest(name, known) if known else f"there is none in {PAPERS}"
        raise BadInput(f"unknown study {name!r}; {there}")
    files = recipe_files(folder)
    if not files:
        raise BadInput(f"{folder} holds no recipe: no .yaml file in it is a sweep")
    return Study(folder.resolve().name, tuple(map(load_recipe, files)))


def studies(papers: Path) -> dict[str, Path]:
    """The folders of studies by name."""
    found = sorted(papers.iterdir()) if papers.is_dir() else []
    return {path.name: path for path in found if path.is_dir() and recipe_files(path)}


def recipe_files(folder: Path) -> list[Path]:
    """The sheets in the folder of a study, in alphabetical order."""
    return [path for path in sorted(folder.glob("*.yaml")) if is_sheet(path)]


def load_recipe(path: Path) -> Recipe:
    """A recipe, each of whose cells says which row it is of; raises as `load_study`."""
    sheet = load_sheet(path)
    published = tuple(_published(sheet, path))
    first: dict[str, Cell] = {}
    for one, cell in zip(published, sheet.cells, strict=True):
        if (twin := first.setdefault(one.row.casefold(), cell)) is not cell:
            raise BadInput(f"{path}: the cells {twin} and {cell} are both of the row {one.row!r}")
    return Recipe(path.stem, sheet, published)


def matches(row: str, patterns: Sequence[str]) -> bool:
    """Whether a row has one of these names, in which * and ? stand for what they do in a shell.

    >>> matches("2c 50/50", ["2C*"]), matches("adding [T=100]", ["adding [t=100]"])
    (True, True)
    """
    name = row.casefold()
    return any(
        name == pattern.casefold() or fnmatchcase(name, pattern.casefold()) for pattern in patterns
    )


def _published(sheet: Sheet, path: Path) -> Iterator[Published]:
    for cell in sheet.cells:
        found = cell.experiment.published
        if found is None or not found.row:
            raise BadInput(
                f"{path}: the cell {cell} has no published.row, which names the row of the paper"
            )
        yield found
