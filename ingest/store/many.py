"""One statement for many rows, made once.

SQLAlchemy builds its parameters anew for every row of an executemany, which costs more than SQLite needs to write the row; and
PostgreSQL runs an executemany row by row. So SQLite gets rows that are ready to be bound, PostgreSQL one statement over arrays.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from operator import itemgetter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from ingest.store.dialect import POSTGRESQL

Row = Mapping[str, Any]
Processor = Callable[[Any], Any]


class ManyRows:
    """Writes rows of the columns `names` into `table`.

    Without `key` they are inserted, and one in the way of a row with the same `conflict` column is updated; one with the same
    `unique` columns stays as it is. With `key` (a column among `names`) the rows that have it are updated; `fixed` are values
    that all of them get.
    """

    def __init__(
        self,
        table: sa.Table,
        names: Sequence[str],
        *,
        key: str | None = None,
        conflict: str | None = None,
        unique: Sequence[str] = (),
        fixed: Mapping[str, Any] | None = None,
    ) -> None:
        self._table = table
        ordered = [column.name for column in table.columns if column.name in names and column.name != key]
        self._names = (*ordered, *([key] if key else []))  # as statements name them
        self._key = key
        self._conflict = conflict
        self._unique = tuple(unique)
        self._fixed = dict(fixed or {})
        self._pick = itemgetter(*self._names)

    def write(self, connection: sa.Connection, rows: Sequence[Row]) -> None:
        """Write `rows`, each with all columns."""
        if not rows:
            return
        if connection.dialect.name == POSTGRESQL:
            columns = zip(*map(self._pick, rows), strict=True)
            given = (f"all_{name}" for name in self._names)
            connection.execute(self._over_arrays, dict(zip(given, map(list, columns), strict=True)))
            return
        columns = zip(*map(self._pick, rows), strict=True)
        bound = [
            column if process is None else [process(value) for value in column]
            for process, column in zip(self._processors, columns, strict=True)
        ]
        connection.exec_driver_sql(self._row_by_row, list(zip(*bound, strict=True)))

    @cached_property
    def _over_arrays(self) -> Any:
        # One dimension: a list is a value of its own where the column holds JSON.
        types = {name: postgresql.ARRAY(self._table.c[name].type, dimensions=1) for name in self._names}
        arrays = [sa.bindparam(f"all_{name}", type_=types[name]) for name in self._names]
        columns = (sa.column(name, self._table.c[name].type) for name in self._names)
        given = sa.func.unnest(*arrays).table_valued(*columns).render_derived()
        if self._key is not None:
            changes: dict[str, Any] = {name: given.c[name] for name in self._changed} | self._fixed
            return sa.update(self._table).values(changes).where(self._table.c[self._key] == given.c[self._key])
        return self._around_conflicts(postgresql.insert(self._table).from_select(list(self._names), sa.select(*given.c)))

    @cached_property
    def _row_by_row(self) -> str:
        marks = dict.fromkeys(self._names, sa.text("?"))
        statement: Any
        if self._key is not None:
            is_it = self._table.c[self._key] == sa.text("?")
            statement = sa.update(self._table).values({name: marks[name] for name in self._changed} | self._fixed).where(is_it)
        else:
            statement = self._around_conflicts(sqlite.insert(self._table).values(marks).inline())
        return str(statement.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True}))

    def _around_conflicts(self, statement: Any) -> Any:
        """An insert that knows what to do about rows that are in its way."""
        if self._conflict is not None:
            told = {name: statement.excluded[name] for name in self._changed}
            return statement.on_conflict_do_update(index_elements=[self._conflict], set_=told)
        return statement.on_conflict_do_nothing(index_elements=self._unique) if self._unique else statement

    @property
    def _changed(self) -> tuple[str, ...]:
        return tuple(name for name in self._names if name not in (self._key, self._conflict))

    @cached_property
    def _processors(self) -> tuple[Processor | None, ...]:
        dialect = sqlite.dialect()
        return tuple(self._table.c[name].type.dialect_impl(dialect).bind_processor(dialect) for name in self._names)
