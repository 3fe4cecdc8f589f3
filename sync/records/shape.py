"""What a consolidated table is made of, told once for databases, journal and digests alike."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, LargeBinary, MetaData, Table, Text
from sqlalchemy.types import TypeEngine


class ValueType(StrEnum):
    """A column's type in every database, in a batch and in a digest. No floats: they print differently."""

    INT = "INT"
    """64 bits, signed."""
    TEXT = "TEXT"
    BOOL = "BOOL"
    BYTES = "BYTES"
    JSON = "JSON"
    """Text in `sync.records.codec`'s canonical form; compared as text, joined by nobody."""


_SQL_TYPES: Mapping[ValueType, type[TypeEngine[Any]]] = {
    ValueType.INT: BigInteger,
    ValueType.TEXT: Text,
    ValueType.BOOL: Boolean,
    ValueType.BYTES: LargeBinary,
    ValueType.JSON: Text,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One column."""

    name: str
    type: ValueType
    is_nullable: bool = False
    choices: tuple[str, ...] = ()
    """All values that an enum's text may have; empty when it is not an enum."""

    def column(self, *, is_key: bool = False) -> Column[Any]:
        return Column(
            self.name,
            _SQL_TYPES[self.type](),
            primary_key=is_key,
            nullable=self.is_nullable,
            autoincrement=False,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsolidatedTable:
    """A table whose rows travel to HQ: current state by key, each row owned by one site.

    Every one of them ends with `business_date`, the site's day that the row belongs to
    (ISO text), and `rev`, the site's counter at the row's last change.
    """

    name: str
    key: tuple[Field, ...]
    """Starts with site_id."""
    values: tuple[Field, ...]
    """All other columns, `business_date` and `rev` not among them."""
    is_append_only: bool = False
    """Rows are never changed after their insert; pruning and erasure may still remove them."""
    is_erasable: bool = False
    """Holds what a person may ask to have erased: caller's numbers."""

    @property
    def fields(self) -> tuple[Field, ...]:
        """Every column but `rev`, in the table's order: what two sites compare."""
        return (*self.key, *self.values, BUSINESS_DATE)

    def table(self, metadata: MetaData, *more: Column[Any]) -> Table:
        """Make the table in `metadata`, with `more` columns of the database's own at its end."""
        return Table(
            self.name,
            metadata,
            *(field.column(is_key=True) for field in self.key),
            *(field.column() for field in (*self.values, BUSINESS_DATE, REV)),
            *more,
            *(_check(self.name, field) for field in self.values if field.choices),
            # The key is the tree itself: one b-tree less to write for every row.
            sqlite_with_rowid=False,
        )


BUSINESS_DATE = Field(name="business_date", type=ValueType.TEXT)
REV = Field(name="rev", type=ValueType.INT)


def _check(table: str, field: Field) -> CheckConstraint:
    values = ", ".join(f"'{choice}'" for choice in field.choices)
    return CheckConstraint(f"{field.name} IN ({values})", name=f"{table}_{field.name}_check")


def integer(name: str, *, is_nullable: bool = False) -> Field:
    return Field(name=name, type=ValueType.INT, is_nullable=is_nullable)


def text(name: str, *, is_nullable: bool = False) -> Field:
    return Field(name=name, type=ValueType.TEXT, is_nullable=is_nullable)


def flag(name: str) -> Field:
    return Field(name=name, type=ValueType.BOOL)


def json_text(name: str) -> Field:
    return Field(name=name, type=ValueType.JSON)


def choice(name: str, values: type[StrEnum] | tuple[str, ...], *, is_nullable: bool = False) -> Field:
    return Field(
        name=name, type=ValueType.TEXT, is_nullable=is_nullable, choices=tuple(str(value) for value in values)
    )
