"""Environment variables `TRUNKLINE__SECTION__KEY` laid over what the file says.

A variable's value is text: pydantic reads numbers and booleans out of it; a table or an
array is written as JSON, as in `TRUNKLINE__ETCD__ENDPOINTS='["10.0.0.1:2379"]'`.
"""

import json
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from pydantic import BaseModel

from node.settings.lines import Place
from node.settings.places import is_container

PREFIX = "TRUNKLINE__"


def lay_over(
    model: type[BaseModel], tree: dict[str, Any], environ: Mapping[str, str]
) -> tuple[dict[Place, str], list[str]]:
    """Change `tree` as the environment says.

    Returns:
        The variable that set each place, and the variables that fit nowhere in the tree
        (an array's element that is not there, or a key below a plain value).
    """
    variables: dict[Place, str] = {}
    misfits: list[str] = []
    for variable in sorted(name for name in environ if name.startswith(PREFIX)):
        place = _place(variable)
        if _put(tree, place, _value(model, place, environ[variable])):
            variables[place] = variable
        else:
            misfits.append(variable)
    return variables, misfits


def _place(variable: str) -> Place:
    parts = variable.removeprefix(PREFIX).lower().split("__")
    return tuple(int(part) if part.isdigit() else part for part in parts)


def _value(model: type[BaseModel], place: Place, text: str) -> Any:
    if not is_container(model, place):
        return text
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text  # The model then says what should have stood here.


def _put(tree: dict[str, Any], place: Place, value: Any) -> bool:
    inner: Any = tree
    for part, below in pairwise(place):
        if isinstance(inner, dict) and isinstance(part, str) and (part in inner or isinstance(below, str)):
            inner = inner.setdefault(part, {})
        elif isinstance(inner, list) and isinstance(part, int) and part < len(inner):
            inner = inner[part]
        else:
            return False
    last = place[-1]
    if isinstance(inner, dict) and isinstance(last, str) and last:
        inner[last] = value
        return True
    if isinstance(inner, list) and isinstance(last, int) and last < len(inner):
        inner[last] = value
        return True
    return False
