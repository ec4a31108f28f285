"""Pydantic models derived from settings dataclasses, so that a range is written once.

The annotations of a settings class become a strict model without unknown keys; what the model
accepts is handed to the class, whose own ValueErrors become faults of the section. A union of
settings classes is told apart by a tag, the value of one key, so that only the class meant is
checked. Every error that leaves here is in plain words.
"""

import dataclasses
import typing
from collections.abc import Callable, Mapping
from typing import Annotated, Any, NotRequired

from pydantic import ConfigDict, Field, PlainValidator, TypeAdapter, ValidationError, with_config
from pydantic_core import ErrorDetails
from typing_extensions import TypedDict

from experiments.config import annotations as an
from experiments.config.scalars import shown
from experiments.config.words import explain, hint, mismatch, reworded, said, said_of, together
from lstm_jax.checks import Settings, field_annotations

CONFIG = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

Check = Callable[[Any], Any]
"""Takes what YAML holds and gives settings; raises ValidationError or PydanticCustomError."""


@dataclasses.dataclass(frozen=True)
class Section:
    """The keys of a section, and what is built of them."""

    fields: Mapping[str, Any]
    """Annotations by key."""
    optional: frozenset[str]
    build: Callable[..., Any]

    @classmethod
    def of(cls, settings: type[Settings]) -> "Section":
        """The section that stands for a settings class."""
        optional = frozenset(
            field.name
            for field in dataclasses.fields(settings)
            if not (field.default is field.default_factory is dataclasses.MISSING)
        )
        return cls(field_annotations(settings), optional, settings)


class Models:
    """Derives models; `names` says what configs call the classes of nested unions."""

    def __init__(self, names: Mapping[type[Settings], str]) -> None:
        self._names = names

    def section(self, section: Section, *others: str) -> Check:
        """A model of a section; beside its keys may stand others, as that of a tag."""
        if clash := section.fields.keys() & set(others):
            raise TypeError(
                f"{section.build} has a field {min(clash)!r}, which is a tag in configs"
            )
        fields = {
            key: NotRequired[self.field(field)] if key in section.optional else self.field(field)
            for key, field in section.fields.items()
        }
        adapter = TypeAdapter(with_config(CONFIG)(TypedDict("keys", fields)))  # type: ignore[operator]

        def explained(error: ErrorDetails) -> str:
            key, *places = error["loc"]
            if error["type"] == "extra_forbidden":
                return f"unknown key; {hint(str(key), [*section.fields, *others])}"
            return _explain(error, section.fields[str(key)], places)

        def check(value: Any) -> Any:
            if not isinstance(value, dict):
                raise said(f"must be {an.SECTION}, got {shown(value)}")
            try:
                values = adapter.validate_python(
                    {k: v for k, v in value.items() if k not in others}
                )
            except ValidationError as error:
                raise together(reworded(error, explained)) from None
            try:
                return section.build(**values)
            except ValidationError:
                raise  # it says where
            except (TypeError, ValueError) as error:
                raise said(str(error)) from None

        return check

    def choice(
        self, kind: str, tag: str, sections: Mapping[str, Section], common: Section | None = None
    ) -> Check:
        """A model of whichever section the key `tag` names; a bare name stands for that key.

        `common` are keys that all of them have, checked even where the name is wrong.
        """
        checks = {name: self.section(section, tag) for name, section in sections.items()}
        common = common or Section({}, frozenset(), dict)
        check_common = self.section(common)

        def check(value: Any) -> Any:
            keys = {tag: value} if isinstance(value, str) else value
            if not isinstance(keys, dict):
                raise said(f"must be {an.SECTION} with the key {tag!r}, got {shown(value)}")
            name = keys.get(tag)
            if isinstance(name, str) and name in checks:
                return checks[name](keys)
            if tag not in keys:
                message = f"missing; known: {', '.join(sorted(checks))}"
            elif isinstance(name, str):
                message = f"unknown {kind} {shown(name)}; {hint(name, checks)}"
            else:
                message = f"must be one of {', '.join(sorted(checks))}, got {shown(name)}"
            faults = [said_of((tag,) if keys is value else (), message)]
            try:
                check_common({key: keys[key] for key in common.fields if key in keys})
            except ValidationError as error:
                faults += reworded(error, str)
            raise together(faults)

        return check

    def field(self, annotation: Any) -> Any:
        """The type by which pydantic checks a field."""
        inner, bounds = an.bare(annotation), an.ranges(annotation)
        if len(an.alternatives(annotation)) > 1:
            return Annotated[Any, PlainValidator(self._union(annotation))]
        if an.is_list(inner):
            items = (each if each is ... else self.field(each) for each in typing.get_args(inner))
            # lax here alone, as YAML has lists and no tuples; the items are as strict as ever
            return Annotated[tuple[*items], Field(strict=False), *bounds]  # type: ignore[valid-type]
        if an.is_settings(inner):
            return Annotated[Any, PlainValidator(self.section(Section.of(inner)))]
        if an.describe(inner) == an.SECTION and not bounds:
            raise TypeError(f"configs have no way to write a {inner}")
        return annotation

    def _union(self, annotation: Any) -> Check:
        members = an.alternatives(annotation)
        classes = [each for each in members if an.is_settings(each)]
        plain = {
            each: TypeAdapter(self.field(each), config=CONFIG)
            for each in members
            if each not in classes
        }
        section: Check | None = None
        if len(classes) > 1:
            if nameless := [each.__name__ for each in classes if each not in self._names]:
                raise TypeError(f"configs have no name for {', '.join(nameless)}")
            sections = {self._names[each]: Section.of(each) for each in classes}
            section = self.choice("name", "name", sections)
        elif classes:
            section = self.section(Section.of(classes[0]))
        section_types = (dict, str) if len(classes) > 1 else (dict,)

        def check(value: Any) -> Any:
            for member, adapter in plain.items():
                if an.fits(value, member):
                    return _validated(adapter, value, member)
            if section and isinstance(value, section_types):
                return section(value)
            raise said(mismatch(value, annotation))

        return check


def _validated(adapter: TypeAdapter, value: Any, annotation: Any) -> Any:
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        explained = reworded(error, lambda one: _explain(one, annotation, one["loc"]))
        raise together(explained) from None


def _explain(error: ErrorDetails, annotation: Any, places: typing.Iterable[int | str]) -> str:
    for place in places:
        annotation = an.item(annotation, int(place))
    return explain(error, annotation)
