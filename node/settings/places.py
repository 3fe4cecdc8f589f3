"""Walks a settings model along a place: which keys are known there, and of what type a value is.

Pydantic reports a fault's location with the tags of discriminated unions in it; people
know the keys they wrote, so tags are left out of what is shown.
"""

import types
from collections.abc import Sequence
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from node.settings.lines import Place

_OF_A_KEY = "[key]"
"""What pydantic puts behind a table's key when it is the key itself that is wrong."""


def written_place(model: type[BaseModel], location: Place) -> Place:
    """The location as the file's author wrote it: without tags of unions."""
    return _walk(model, location)[0]


def known_keys(model: type[BaseModel], location: Place) -> list[str]:
    """The keys that may stand in the table at `location`."""
    tables = _models(_walk(model, location)[1])
    return sorted({_key(name, field) for table in tables for name, field in table.model_fields.items()})


def holds_secret(model: type[BaseModel], location: Place) -> bool:
    """Whether the value at `location` must not be shown."""
    return any(choice is SecretStr for choice in _walk(model, location)[1])


def is_container(model: type[BaseModel], location: Place) -> bool:
    """Whether the value at `location` is a table or an array, not a plain value."""
    kinds = [get_origin(choice) or choice for choice in _walk(model, location)[1]]
    containers = (BaseModel, dict, list, tuple, set, frozenset)
    return any(isinstance(kind, type) and issubclass(kind, containers) for kind in kinds)


def _walk(model: type[BaseModel], location: Place) -> tuple[Place, list[Any]]:
    written: Place = ()
    choices: list[Any] = [model]
    for part in location:
        if part == _OF_A_KEY:
            break
        tagged = [choice for choice in _models(choices) if len(choices) > 1 and _is_tagged(choice, part)]
        if tagged:
            choices = list(tagged)
            continue
        written = (*written, part)
        choices = [inner for choice in choices for inner in _inside(choice, part)]
    return written, choices


def _inside(choice: Any, part: str | int) -> list[Any]:
    if isinstance(choice, type) and issubclass(choice, BaseModel):
        fields = [field for name, field in choice.model_fields.items() if part in (name, field.alias)]
        return [inner for field in fields for inner in _flat(field.annotation)]
    arguments = get_args(choice)
    if get_origin(choice) is dict and isinstance(part, str):
        return _flat(arguments[1])
    if get_origin(choice) in (list, tuple, set, frozenset) and isinstance(part, int):
        return _flat(arguments[0])
    return []


def _flat(annotation: Any) -> list[Any]:
    """The members of a union, without Annotated and without None."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _flat(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        return [inner for member in get_args(annotation) for inner in _flat(member)]
    return [] if annotation is type(None) else [annotation]


def _models(choices: Sequence[Any]) -> list[type[BaseModel]]:
    return [choice for choice in choices if isinstance(choice, type) and issubclass(choice, BaseModel)]


def _is_tagged(model: type[BaseModel], tag: str | int) -> bool:
    annotations = [field.annotation for field in model.model_fields.values()]
    return any(get_origin(each) is Literal and tag in get_args(each) for each in annotations)


def _key(name: str, field: FieldInfo) -> str:
    return field.alias or name
