"""The catalog in use: which one the locale asks for, and its lookups.

One language a process: a command speaks to one person.
"""

import gettext
import os
from collections.abc import Mapping
from importlib import resources

_DOMAIN = "trunkline"
_ENGLISH = "en"
_LANGUAGES = {
    "c": _ENGLISH,
    "en": _ENGLISH,
    "posix": _ENGLISH,
    "zh": "zh_CN",
    "zh_cn": "zh_CN",
    "zh_hans": "zh_CN",
    "zh_sg": "zh_CN",
}
"""Traditional Chinese has no catalog: who reads it chooses zh-CN or English by name."""


class UnknownLanguageError(ValueError):
    """Somebody asked for a language by name that has no catalog."""

    def __init__(self, lang: str) -> None:
        super().__init__(f"there is no catalog for {lang!r}; use en or zh-CN")
        self.lang = lang


class _Speech:
    """The language in use, and its catalog."""

    def __init__(self) -> None:
        self.language = _ENGLISH
        self.catalog = gettext.NullTranslations()


_speech = _Speech()


def use(lang: str | None, environ: Mapping[str, str] = os.environ) -> None:
    """Speak `lang`, or, when it is None, what LC_ALL, LC_MESSAGES or LANG say.

    A locale without a catalog is English; a language asked for by name has to exist.

    Raises:
        UnknownLanguageError: `lang` has no catalog; nothing changed.
        FileNotFoundError: the catalogs have not been compiled; nothing changed.
    """
    chosen = _of_locale(environ) if lang is None else _of_name(lang)
    _speech.catalog = gettext.NullTranslations() if chosen == _ENGLISH else _read(chosen)
    _speech.language = chosen


def language() -> str:
    """The language in use: `en` or `zh_CN`."""
    return _speech.language


def text(message: str, /, **values: object) -> str:
    """`message` in the language in use, its {fields} filled with `values`."""
    words = _speech.catalog.gettext(message)
    return words.format(**values) if values else words


def plural(one: str, many: str, count: int, /, **values: object) -> str:
    """`one` or `many` as the language counts, with {count} and the other {fields} filled."""
    return _speech.catalog.ngettext(one, many, count).format(count=count, **values)


def marked(message: str) -> str:
    """`message` itself; says to the catalog's extraction that `text` will look it up later."""
    return message


def _of_name(lang: str) -> str:
    try:
        return _LANGUAGES[lang.strip().lower().replace("-", "_")]
    except KeyError:
        raise UnknownLanguageError(lang) from None


def _of_locale(environ: Mapping[str, str]) -> str:
    """POSIX: the first of the three that is set and not empty decides."""
    locale = next((environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if environ.get(name)), "C")
    name = locale.split(".")[0].split("@")[0].lower()
    return _LANGUAGES.get(name, _ENGLISH)


def _read(lang: str) -> gettext.GNUTranslations:
    file = resources.files("node.words") / "locale" / lang / "LC_MESSAGES" / f"{_DOMAIN}.mo"
    with file.open("rb") as catalog:
        return gettext.GNUTranslations(catalog)
