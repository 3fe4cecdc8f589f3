"""Records of the fold as rows of their tables, and back."""

from types import NoneType
from typing import Any, get_args, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.records.derived import TABLES, SiteRecord, read_record, record_values
from sync.records.shape import ValueType
from sync.records.tables import CONSOLIDATED

RECORDS: st.SearchStrategy[SiteRecord] = st.one_of([st.from_type(cls) for cls in TABLES])
PYTHON_TYPES: dict[ValueType, tuple[type, ...]] = {
    ValueType.INT: (int,),
    ValueType.TEXT: (str,),
    ValueType.JSON: (str,),
    ValueType.BOOL: (bool,),
    ValueType.BYTES: (bytes,),
}


@given(RECORDS)
def test_a_record_comes_back_from_its_row_as_it_was(record: SiteRecord) -> None:
    values: dict[str, Any] = record_values(record)

    assert read_record(type(record), values) == record


@given(RECORDS)
def test_a_records_values_have_exactly_the_types_that_its_table_declares(record: SiteRecord) -> None:
    (table,) = (each for each in CONSOLIDATED if each.name == TABLES[type(record)].name)

    values = record_values(record)

    assert values.keys() == {field.name for field in table.fields}
    for field in table.fields:
        value = values[field.name]
        assert type(value) in PYTHON_TYPES[field.type] or (value is None and field.is_nullable)


@pytest.mark.parametrize("cls", TABLES)
def test_a_field_may_be_none_exactly_where_its_column_may_be_null(cls: type[SiteRecord]) -> None:
    nullable = {name for name, hint in get_type_hints(cls).items() if NoneType in get_args(hint)}

    assert nullable == {column.name for column in TABLES[cls].columns if column.nullable}
