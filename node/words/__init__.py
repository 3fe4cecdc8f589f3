"""What people read, in their language: one gettext catalog, English in the source, zh_CN beside it.

`use` is called once, before any text is made; modules import `text` as `_`:

    from node.words import marked, plural
    from node.words import text as _

Catalogs are compiled when the package is built (`locale/*/LC_MESSAGES/trunkline.mo`);
`make messages` takes new messages into the .po files.
"""

from node.words.catalog import UnknownLanguageError, language, marked, plural, text, use
from node.words.problems import told, told_os_error
from node.words.refusals import refusal

__all__ = [
    "UnknownLanguageError",
    "language",
    "marked",
    "plural",
    "refusal",
    "text",
    "told",
    "told_os_error",
    "use",
]
