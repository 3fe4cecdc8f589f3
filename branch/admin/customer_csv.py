"""Customers as a CSV file: one row each, every fault with its line.

Header `customer_id,name,class,region,numbers`; class is standard or vip, empty is standard;
several numbers are separated by blanks or semicolons.
"""

import csv
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TextIO

from branch.admin.written_numbers import BadNumberError, written_number
from branch.store.customers import Customer
from node.troubles import TroubleError
from node.words import plural, told
from node.words import text as _
from router.id_rules import name_fault
from router.ids import CustomerId
from sync.records.tables import CustomerClass

COLUMNS = ("customer_id", "name", "class", "region", "numbers")
TEXT_LIMIT_CHARS = 200
FAULTS_SHOWN = 20


class CsvFaultsError(TroubleError):
    """The file cannot be taken in; the message has the faults with their lines."""

    reason = "CSV_FAULTS"

    def __init__(self, file: Path, faults: Sequence[str]) -> None:
        lines = [plural("{file}: {count} fault", "{file}: {count} faults", len(faults), file=file)]
        lines += [f"  {fault}" for fault in faults[:FAULTS_SHOWN]]
        if len(faults) > FAULTS_SHOWN:
            lines.append("  " + _("and {count} more", count=len(faults) - FAULTS_SHOWN))
        super().__init__("\n".join(lines))
        self.faults = tuple(faults)


def not_utf8(error: UnicodeDecodeError) -> str:
    """A Chinese spreadsheet writes CSV in GBK unless told otherwise."""
    return _(
        "is not UTF-8 text (byte {position}); in a spreadsheet, save it as “CSV UTF-8”", position=error.start
    )


def read_customers(file: Path, country: str | None) -> list[Customer]:
    """Every row of the file.

    Raises:
        OSError: it cannot be read.
        CsvFaultsError: it has faults, all of them told.
    """
    try:
        # The mark that spreadsheets put before UTF-8 is no part of the first column's name.
        with file.open(encoding="utf-8-sig", newline="") as lines:
            return _Reading(file, country).read(lines)
    except UnicodeDecodeError as error:
        raise CsvFaultsError(file, [not_utf8(error)]) from None


def write_customers(file: Path, customers: Iterable[Customer]) -> int:
    """Write them all; returns how many.

    Raises:
        OSError: the file cannot be written, or exists.
    """
    count = 0
    with file.open("x", encoding="utf-8", newline="") as lines:
        writer = csv.writer(lines)
        writer.writerow(COLUMNS)
        for each in customers:
            kind = each.customer_class.lower()
            writer.writerow((each.customer_id, each.name, kind, each.region or "", " ".join(each.numbers)))
            count += 1
    return count


class _Reading:
    """One file, and what is wrong with it."""

    def __init__(self, file: Path, country: str | None) -> None:
        self._file = file
        self._country = country
        self._faults: list[str] = []
        self._line_of_id: dict[str, int] = {}
        self._line_of_number: dict[str, int] = {}

    def read(self, lines: TextIO) -> list[Customer]:
        rows = csv.reader(lines, strict=True)
        customers: list[Customer] = []
        try:
            header = tuple(each.strip() for each in next(rows, []))
            if header != COLUMNS:
                raise CsvFaultsError(
                    self._file, [_("line 1: the header has to be {header}", header=",".join(COLUMNS))]
                )
            for row in rows:
                if any(cell.strip() for cell in row):
                    customers += self._customer(rows.line_num, [cell.strip() for cell in row])
        except csv.Error as error:
            self._fault(rows.line_num, str(error))
        if self._faults:
            raise CsvFaultsError(self._file, self._faults)
        return customers

    def _customer(self, line: int, row: Sequence[str]) -> list[Customer]:
        """One customer, or none where the row has a fault, which is noted."""
        if len(row) != len(COLUMNS):
            problem = _("has {count} columns, not {wanted}", count=len(row), wanted=len(COLUMNS))
            self._fault(line, problem)
            return []
        customer_id, name, kind, region, numbers = row
        fault_count = len(self._faults)
        self._check_texts(line, customer_id, name, region)
        customer_class = self._class(line, kind)
        found = self._numbers(line, numbers)
        if len(self._faults) > fault_count:
            return []
        return [
            Customer(
                customer_id=CustomerId(customer_id),
                name=name,
                customer_class=customer_class,
                region=region or None,
                numbers=found,
            )
        ]

    def _check_texts(self, line: int, customer_id: str, name: str, region: str) -> None:
        if (fault := name_fault(customer_id)) is not None:
            self._fault(line, told(fault))
        if not name:
            self._fault(line, _("{column} is missing", column="name"))
        for column, value in (("name", name), ("region", region)):
            if len(value) > TEXT_LIMIT_CHARS:
                problem = _(
                    "{column} has more than {limit} characters", column=column, limit=TEXT_LIMIT_CHARS
                )
                self._fault(line, problem)
        first = self._line_of_id.setdefault(customer_id, line)
        if customer_id and first != line:
            self._fault(line, _("customer {id} stands on line {line} already", id=customer_id, line=first))

    def _class(self, line: int, kind: str) -> CustomerClass:
        try:
            return CustomerClass(kind.upper() or CustomerClass.STANDARD)
        except ValueError:
            self._fault(line, _("class {kind!r} is neither standard nor vip", kind=kind))
            return CustomerClass.STANDARD

    def _numbers(self, line: int, text: str) -> tuple[str, ...]:
        numbers: dict[str, None] = {}
        for written in filter(None, re.split(r"[;\s]+", text)):
            try:
                number = written_number(written, self._country)
            except BadNumberError as error:
                self._fault(line, str(error))
                continue
            first = self._line_of_number.setdefault(number, line)
            if first != line:
                self._fault(
                    line, _("number {number} stands on line {line} already", number=number, line=first)
                )
            numbers[number] = None
        return tuple(numbers)

    def _fault(self, line: int, problem: str) -> None:
        self._faults.append(_("line {line}: {problem}", line=line, problem=problem))
