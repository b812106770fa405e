"""SQL that is made once and sent together: for the few statements that every job pays for.

Django builds the text of a statement anew each time, and each goes to the database by itself; both take longer than
the database does to answer. Here the text is kept by model and columns, and several statements make one journey.
Signals are not sent, `auto_now` is not kept up and expressions are not understood: all else belongs to a queryset.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeVar

from django.db import DEFAULT_DB_ALIAS, connection, connections, models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.expressions import Col
from django.db.models.sql.subqueries import UpdateQuery

M = TypeVar("M", bound=models.Model)
_Field = models.Field[Any, Any]
# The names of columns, and whether each is to be null.
_Shape = tuple[tuple[str, bool], ...]


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement with `%s` where its values go."""

    sql: str
    values: Sequence[Any] = field(default=(), repr=False)

    def filled(self, blanks: Mapping[Any, Any]) -> Statement:
        """Return it with other values in place of those that stood for them when it was made."""
        return Statement(self.sql, [blanks.get(value, value) for value in self.values])


@dataclass(frozen=True, slots=True)
class Answer:
    """How many rows a statement wrote or found, and the first of those that it answered with.

    `returns_rows` says that it is one that answers with rows, be there any or not.
    """

    count: int
    first: Sequence[Any] | None
    returns_rows: bool = True


# Stand for keys and texts in what is compiled; no row has them.
BLANK_KEY = 9_000_000_000_000_000_001
BLANK_TEXT = "\0blank"


def compiled(queryset: models.QuerySet[Any, Any]) -> Statement:
    """Return what a queryset asks. Keep it, by `connection.vendor`, and have it `filled`."""
    return Statement(*queryset.query.sql_with_params())


def compiled_update(queryset: models.QuerySet[Any, Any], **changes: Any) -> Statement:
    """Return what `queryset.update(**changes)` would do, expressions and all; as `compiled`."""
    query: Any = queryset.query
    query = query.chain(UpdateQuery)
    query.add_update_values(changes)
    return Statement(*query.sql_with_params())


def insert(row: models.Model) -> Statement:
    """Return what inserts a new row; the row itself learns of it by `inserted`."""
    fields = [each for each in _fields(type(row)) if not each.primary_key]
    database = _database()
    values = [each.get_db_prep_save(getattr(row, each.attname), database) for each in fields]
    return Statement(_insert_sql(type(row)), values)


def inserted(row: models.Model, answer: Answer) -> None:
    """Tell a row how its `insert` was answered: it is there, and under which primary key."""
    [row.pk] = answer.first or ()
    row._state.adding = False
    row._state.db = DEFAULT_DB_ALIAS


def update(model: type[models.Model], guard: Mapping[str, Any], changes: Mapping[str, Any]) -> Statement:
    """Return what sets the columns `changes` in the rows whose columns equal `guard` (None: are null).

    Both name columns as attributes of a row do, foreign keys with their `_id`.
    """
    columns = _columns(model)
    database = _database()
    values = [columns[name].get_db_prep_save(value, database) for name, value in changes.items()]
    return Statement(_update_sql(model, tuple(changes), _shape(guard)), [*values, *_guard_values(columns, guard)])


def find(model: type[models.Model], guard: Mapping[str, Any]) -> Statement:
    """Return what looks for a row whose columns equal `guard`, as `update` takes it; its count is 1 or 0."""
    return Statement(_find_sql(model, _shape(guard)), _guard_values(_columns(model), guard))


def run(*statements: Statement) -> list[Answer]:
    """Run all statements in their order and return their answers: all take effect or, if one is refused, none does."""
    # psycopg puts the values into the text, unless it is told not to; SQLite takes one statement at a time.
    if connection.vendor == "postgresql" and not connection.settings_dict["OPTIONS"].get("server_side_binding"):
        return _run_together(statements)
    if len(statements) == 1:
        return [_run_alone(statements[0])]
    with transaction.atomic(savepoint=False):
        return [_run_alone(each) for each in statements]


def in_index_order(*statements: Statement) -> list[Statement]:
    """Return `statements`, which end with ORDER BY and LIMIT, for a transaction in which they are read by an index.

    What PostgreSQL knows of a queue is always out of date. It would read and sort all that wait, if it believes that
    few do, where an index has them in order.
    """
    if connection.vendor != "postgresql":
        return list(statements)
    return [Statement("SET LOCAL enable_sort = off"), *statements, Statement("SET LOCAL enable_sort = DEFAULT")]


def returning(model: type[models.Model]) -> str:
    """Return the clause that makes a statement on one table answer with its rows, for `from_returned`."""
    return f" RETURNING {_names(_fields(model))}"


def from_returned(model: type[M], values: Sequence[Any]) -> M:
    """Return a row that the database answered with."""
    converted, database = list(values), _database()
    for position, column, convert in _converters(model):
        converted[position] = convert(converted[position], column, database)
    return model.from_db(DEFAULT_DB_ALIAS, [each.attname for each in _fields(model)], converted)


def _run_together(statements: Sequence[Statement]) -> list[Answer]:
    values = [value for each in statements for value in each.values]
    answers: list[Answer] = []
    with connection.cursor() as cursor:
        cursor.execute("; ".join(each.sql for each in statements), values)
        # All answers are here. Read behind Django's wrapper, and without the `description` that psycopg would make of
        # every column, they cost half.
        answered: Any = cursor.cursor
        while True:
            rows = None if answered.rownumber is None else answered.fetchall()
            answers.append(_answer(rows, answered.rowcount))
            if not answered.nextset():
                return answers


def _run_alone(statement: Statement) -> Answer:
    with connection.cursor() as cursor:
        cursor.execute(statement.sql, statement.values)
        # All of it: SQLite knows no count before, and does not end the statement.
        return _answer(None if cursor.description is None else cursor.fetchall(), cursor.rowcount)


def _answer(rows: Sequence[Sequence[Any]] | None, written: int) -> Answer:
    if rows is None:
        return Answer(written, None, returns_rows=False)
    return Answer(len(rows), rows[0] if rows else None)


def _database() -> BaseDatabaseWrapper:
    """Return what `connection` stands for: fields ask it for something at every value, and each look costs."""
    return connections[DEFAULT_DB_ALIAS]


def _shape(guard: Mapping[str, Any]) -> _Shape:
    return tuple((name, value is None) for name, value in guard.items())


def _guard_values(columns: Mapping[str, _Field], guard: Mapping[str, Any]) -> list[Any]:
    database = _database()
    present = ((name, value) for name, value in guard.items() if value is not None)
    return [columns[name].get_db_prep_value(value, database) for name, value in present]


@lru_cache
def _fields(model: type[models.Model]) -> tuple[_Field, ...]:
    return tuple(model._meta.concrete_fields)


@lru_cache
def _columns(model: type[models.Model]) -> dict[str, _Field]:
    return {each.attname: each for each in _fields(model)}


@lru_cache
def _converters(model: type[models.Model]) -> list[tuple[int, Col, Callable[[Any, Col, Any], Any]]]:
    found = []
    for position, each in enumerate(_fields(model)):
        column = each.get_col(model._meta.db_table)
        for convert in (*connection.ops.get_db_converters(column), *column.get_db_converters(connection)):
            found.append((position, column, convert))
    return found


@lru_cache
def _insert_sql(model: type[models.Model]) -> str:
    fields = [each for each in _fields(model) if not each.primary_key]
    places = ", ".join(["%s"] * len(fields))
    pk = _quoted(model._meta.pk.column)
    return f"INSERT INTO {_table(model)} ({_names(fields)}) VALUES ({places}) RETURNING {pk}"  # noqa: S608  # our names


@lru_cache
def _update_sql(model: type[models.Model], changes: tuple[str, ...], guard: _Shape) -> str:
    columns = _columns(model)
    changed = ", ".join(f"{_quoted(columns[name].column)} = %s" for name in changes)
    return f"UPDATE {_table(model)} SET {changed} WHERE {_where(model, guard)}"  # noqa: S608  # our names


@lru_cache
def _find_sql(model: type[models.Model], guard: _Shape) -> str:
    return f"SELECT 1 FROM {_table(model)} WHERE {_where(model, guard)} LIMIT 1"  # noqa: S608  # our names


def _where(model: type[models.Model], guard: _Shape) -> str:
    columns = _columns(model)
    return " AND ".join(f"{_quoted(columns[name].column)} {'IS NULL' if null else '= %s'}" for name, null in guard)


def _names(fields: Iterable[_Field]) -> str:
    return ", ".join(_quoted(each.column) for each in fields)


def _table(model: type[models.Model]) -> str:
    return _quoted(model._meta.db_table)


def _quoted(name: str | None) -> str:
    if name is None:  # a field of several columns, which no model here has
        raise TypeError("This field has no column.")
    return connection.ops.quote_name(name)
