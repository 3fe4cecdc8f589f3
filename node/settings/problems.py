"""What is wrong with a value, in plain words instead of pydantic's."""

from collections.abc import Callable

from pydantic_core import ErrorDetails

from node.words import text as _


def describe(details: ErrorDetails, shown: str | None) -> str:
    """One fault of pydantic's in words, with the refused value if it may be shown."""
    if details["type"] == "missing":
        return _("is missing")
    problem = _problem(details)
    if shown is None or details["type"] == "value_error":
        return problem  # Our own checks already say what they saw.
    return _("{problem}, got {value}", problem=problem, value=shown)


def unknown_key(similar: str | None) -> str:
    """A key nobody reads; `similar` is the known one that it may have been meant to be."""
    if similar is None:
        return _("is not a known key")
    return _("is not a known key; did you mean {similar!r}?", similar=similar)


def _problem(details: ErrorDetails) -> str:
    context = details.get("ctx", {})
    words = _WORDS.get(details["type"])
    if words is not None:
        return words(context)
    if details["type"] == "value_error":
        return str(context["error"])
    return details["msg"]


_WORDS: dict[str, Callable[[dict[str, object]], str]] = {
    "int_type": lambda _c: _("must be a whole number"),
    "int_parsing": lambda _c: _("must be a whole number"),
    "int_from_float": lambda _c: _("must be a whole number"),
    "float_type": lambda _c: _("must be a number"),
    "float_parsing": lambda _c: _("must be a number"),
    "bool_type": lambda _c: _("must be true or false"),
    "bool_parsing": lambda _c: _("must be true or false"),
    "string_type": lambda _c: _("must be text in quotes"),
    "list_type": lambda _c: _("must be an array"),
    "tuple_type": lambda _c: _("must be an array"),
    "dict_type": lambda _c: _("must be a table"),
    "model_type": lambda _c: _("must be a table"),
    "model_attributes_type": lambda _c: _("must be a table"),
    "greater_than_equal": lambda c: _("must be at least {limit}", limit=c["ge"]),
    "greater_than": lambda c: _("must be more than {limit}", limit=c["gt"]),
    "less_than_equal": lambda c: _("must be at most {limit}", limit=c["le"]),
    "less_than": lambda c: _("must be less than {limit}", limit=c["lt"]),
    "literal_error": lambda c: _("must be {choices}", choices=c["expected"]),
    "enum": lambda c: _("must be {choices}", choices=c["expected"]),
    "string_too_short": lambda c: _("must have at least {limit} characters", limit=c["min_length"]),
    "string_too_long": lambda c: _("must have at most {limit} characters", limit=c["max_length"]),
    "string_pattern_mismatch": lambda c: _("must match {pattern}", pattern=c["pattern"]),
    "too_short": lambda c: _("must have at least {limit} entries", limit=c["min_length"]),
    "too_long": lambda c: _("must have at most {limit} entries", limit=c["max_length"]),
    "union_tag_invalid": lambda c: _("must be one of {choices}", choices=c["expected_tags"]),
    "union_tag_not_found": lambda c: _("needs the key {key}", key=c["discriminator"]),
}
"""Pydantic's kinds of fault that a settings file can have; any other keeps pydantic's own message."""
