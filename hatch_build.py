"""The message catalogs at build time: every .po becomes the .mo that is shipped and read.

hatchling runs the hook for wheels and for editable installs alike; the Makefile runs
the same code after a catalog was edited, and `check` in the static checks.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from string import Formatter
from typing import Any

from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

LOCALE_DIR = Path("node", "words", "locale")


class CatalogBuildHook(BuildHookInterface[Any]):
    """Compiles the catalogs before hatchling collects the files."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write each .mo beside its .po; pyproject.toml lists them as artifacts."""
        compile_catalogs(Path(self.root))


def compile_catalogs(root: Path) -> list[Path]:
    """Compile every catalog under `root` and return the .mo files written."""
    return [_compile(po_file) for po_file in _po_files(root)]


def catalog_faults(root: Path) -> list[str]:
    """Name every message of every catalog whose translation is missing, doubtful or unusable."""
    return [fault for po_file in _po_files(root) for fault in _faults(po_file, root)]


def _po_files(root: Path) -> list[Path]:
    return sorted((root / LOCALE_DIR).glob("*/LC_MESSAGES/*.po"))


def _read(po_file: Path) -> Catalog:
    locale = po_file.parent.parent.name
    with po_file.open("rb") as source:
        return read_po(source, locale=locale, abort_invalid=True)


def _compile(po_file: Path) -> Path:
    mo_file = po_file.with_suffix(".mo")
    with mo_file.open("wb") as target:
        write_mo(target, _read(po_file))
    return mo_file


def _faults(po_file: Path, root: Path) -> list[str]:
    place = po_file.relative_to(root)
    return [
        f"{place}:{message.lineno}: {fault}: {message.id!r}"
        for message in _read(po_file)
        if message.id and (fault := _fault(message))
    ]


def _fault(message: Message) -> str | None:
    texts = _forms(message.string or "")
    if message.fuzzy:
        return "fuzzy"
    if not all(texts):
        return "not translated"
    try:
        fields_agree = _fields(texts) == _fields(_forms(message.id))
    except ValueError as error:
        return str(error)
    return None if fields_agree else "other {fields} than the original"


def _forms(text: str | Sequence[str]) -> list[str]:
    """The singular and plural forms of a text; one without a plural is one form."""
    return [text] if isinstance(text, str) else list(text)


def _fields(texts: list[str]) -> set[str]:
    """The names in braces; Babel itself compares those of %-formats only."""
    return {name for text in texts for _, name, _, _ in Formatter().parse(text) if name is not None}


def main(arguments: list[str]) -> int:
    """Compile the catalogs of this checkout, or with `check` print what they lack."""
    root = Path(__file__).parent
    if arguments == ["check"]:
        faults = catalog_faults(root)
        print("\n".join(faults or ["message catalogs are complete"]))
        return 1 if faults else 0
    compile_catalogs(root)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
