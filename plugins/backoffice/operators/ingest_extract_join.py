"""Join the tables of an extract as its profile says, in the database, and account for every row of every
table.

Statements are put together from the profile's identifiers, which were checked when it was read; values are
bound.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from psycopg import sql

from backoffice.domain.extract_field import OCCURRENCE
from backoffice.domain.extract_profile import Condition, ExtractProfile, Join, Records, Table
from backoffice.operators.ingest_extract_table import temporary
from backoffice.operators.ingest_load import Connection

HEADER_ROW = "header_row"


def joined(number: int) -> sql.Identifier:
    """Return the name of the temporary table that holds the joined rows of one entry of the profile."""
    return sql.Identifier(f"extract_joined_{number}")


def create_joined(
    connection: Connection,
    profile: ExtractProfile,
    number: int,
    records: Records,
    header: Records | None = None,
) -> None:
    """Join one entry's rows: ``table.COLUMN`` texts, each table's row number and error, occurrence, header
    row.

    :param header: For lines of invoices: the entry of their headers. A line without header is not joined:
        it is left over.
    """
    base = profile.tables[records.rows]
    joins = [_join(profile, records, join) for join in records.joins]
    if header is not None:
        joins.insert(0, _join_header(profile, records, header))
    statement = sql.SQL(
        "CREATE TEMPORARY TABLE {target} ON COMMIT DROP AS "
        "WITH base AS ({base}) SELECT {columns} FROM base AS {alias} {joins}"
    ).format(
        target=joined(number),
        base=_base_rows(profile, records),
        columns=sql.SQL(", ").join(_columns(profile, records)),
        alias=sql.Identifier(base.name),
        joins=sql.SQL(" ").join(joins),
    )
    connection.execute(statement)
    connection.execute(sql.SQL("ANALYZE {}").format(joined(number)))


def count_base(connection: Connection, profile: ExtractProfile, records: Records) -> int:
    """Return how many records an entry must give: the rows of its table that meet its conditions, before
    any join.
    """
    row = connection.execute(
        sql.SQL("SELECT count(*) FROM ({}) AS base").format(_base_rows(profile, records))
    ).fetchone()
    return int(row[0]) if row else 0


def mark_use(
    connection: Connection, profile: ExtractProfile, table: Table, used_in: Iterable[tuple[int, Records]]
) -> None:
    """Say of each row of a table what became of it: ``used``, ``not used`` by the profile, or ``left
    over``.
    """
    places = [
        sql.SQL("SELECT {} FROM {}").format(_row_column(table.name), joined(number))
        for number, records in used_in
        if table.name in (records.rows, *(join.table for join in records.joins if join.rows != "first"))
    ]
    used = sql.SQL(" UNION ALL ").join(places) if places else sql.SQL("SELECT NULL::bigint")
    out = [_conditions(rows.where) for rows in profile.not_used_rows if rows.table == table.name]
    not_used = sql.SQL(" OR ").join(out) if out else sql.SQL("false")
    repeats: sql.Composable = sql.SQL("false")
    if table.key:
        repeats = sql.SQL("row_number() OVER (PARTITION BY {} ORDER BY row_no) > 1").format(_names(table.key))
    connection.execute(
        sql.SQL(
            """CREATE TEMPORARY TABLE {target} ON COMMIT DROP AS
               WITH used (row_no) AS ({used})
               SELECT t.row_no, t.repeats,
                      EXISTS (SELECT FROM used u WHERE u.row_no = t.row_no) AS used, t.not_used
               FROM (SELECT row_no, {repeats} AS repeats, coalesce({not_used}, false) AS not_used FROM
               {source}) AS t
               """
        ).format(
            target=_use(table), used=used, repeats=repeats, not_used=not_used, source=temporary(table.name)
        )
    )


def count_use(connection: Connection, table: Table) -> tuple[int, int, int, int]:
    """Return how many rows of a table are there, used, not used by the profile, and left over."""
    row = connection.execute(
        sql.SQL(
            """SELECT count(*), count(*) FILTER (WHERE used), count(*) FILTER (WHERE not_used),
                      count(*) FILTER (WHERE NOT used AND NOT not_used) FROM {}"""
        ).format(_use(table))
    ).fetchone()
    rows, used, not_used, left_over = row or (0, 0, 0, 0)
    return int(rows), int(used), int(not_used), int(left_over)


def left_over_rows(table: Table) -> sql.Composed:
    """Return the statement that reads the rows nothing uses: number, error, whether the key repeats, the
    columns.
    """
    return sql.SQL(
        """SELECT s.row_no, s.row_error, u.repeats, {columns} FROM {source} s JOIN {use} u USING (row_no)
           WHERE NOT u.used AND NOT u.not_used ORDER BY s.row_no"""
    ).format(
        columns=sql.SQL(", ").join(sql.SQL("s.{}").format(sql.Identifier(name)) for name in table.columns),
        source=temporary(table.name),
        use=_use(table),
    )


def joined_rows(profile: ExtractProfile, number: int, records: Records) -> sql.Composed:
    """Return the statement that reads an entry's joined rows in an order that does not depend on the
    file's.
    """
    order = [sql.Identifier(f"{records.rows}.{name}") for name in profile.tables[records.rows].columns]
    if records.of:
        order.insert(0, sql.Identifier(HEADER_ROW))
    return sql.SQL("SELECT * FROM {} ORDER BY {}, {}").format(
        joined(number), sql.SQL(", ").join(order), _row_column(records.rows)
    )


def row_column(table: str) -> str:
    """Return the column with the row number of a joined table; NULL where it has no such row."""
    return f"{table} row"


def error_column(table: str) -> str:
    """Return the column with the row error of a joined table."""
    return f"{table} error"


def _row_column(table: str) -> sql.Identifier:
    return sql.Identifier(row_column(table))


def _use(table: Table) -> sql.Identifier:
    return sql.Identifier(f"extract_use_{table.name}")


def _names(names: Sequence[str]) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(name) for name in names)


def _base_rows(profile: ExtractProfile, records: Records) -> sql.Composed:
    """Return the rows of an entry's own table, numbered for pairing and for identical rows."""
    table = profile.tables[records.rows]
    numbered: list[sql.Composable] = [sql.SQL("t.*")]
    for join in records.joins:
        if join.rows == "pair":
            paired = [theirs.split(".")[1] for _, theirs in join.on]
            numbered.append(_numbered(paired, f"pair {join.table}", table))
    if records.occurrence:
        numbered.append(_numbered(records.occurrence, OCCURRENCE, table))
    source = sql.SQL("SELECT {columns} FROM {table} AS t WHERE {where}").format(
        columns=sql.SQL(", ").join(numbered), table=_first_of_key(table), where=_conditions(records.where)
    )
    return source


def _numbered(partition: Sequence[str], name: str, table: Table) -> sql.Composed:
    """Return a number within rows of the same values; ties in order of all columns, so that file order is
    no matter.
    """
    return sql.SQL("row_number() OVER (PARTITION BY {} ORDER BY {}, row_no) AS {}").format(
        _names(partition), _names(table.columns), sql.Identifier(name)
    )


def _first_of_key(table: Table) -> sql.Composed:
    """Return the table, or the first row of each key of it."""
    if not table.key:
        return sql.SQL("{}").format(temporary(table.name))
    return sql.SQL("(SELECT DISTINCT ON ({key}) * FROM {table} ORDER BY {key}, row_no)").format(
        key=_names(table.key), table=temporary(table.name)
    )


def _conditions(conditions: Sequence[Condition]) -> sql.Composed:
    parts = [
        sql.SQL("{} {} ({})").format(
            sql.SQL("btrim({})").format(sql.Identifier(condition.column)),
            sql.SQL("NOT IN" if condition.negated else "IN"),
            sql.SQL(", ").join(sql.Literal(value) for value in condition.values),
        )
        for condition in conditions
    ]
    return sql.SQL("(") + sql.SQL(" AND ").join(parts or [sql.SQL("true").format()]) + sql.SQL(")")


def _columns(profile: ExtractProfile, records: Records) -> list[sql.Composed]:
    columns = []
    for name in (records.rows, *(join.table for join in records.joins)):
        alias = sql.Identifier(name)
        columns += [
            sql.SQL("{}.row_no AS {}").format(alias, _row_column(name)),
            sql.SQL("{}.row_error AS {}").format(alias, sql.Identifier(error_column(name))),
        ]
        columns += [
            sql.SQL("{}.{} AS {}").format(alias, sql.Identifier(column), sql.Identifier(f"{name}.{column}"))
            for column in profile.tables[name].columns
        ]
    base = sql.Identifier(records.rows)
    if records.occurrence:
        count = sql.Identifier(OCCURRENCE)
        columns.append(sql.SQL("{}.{}::text AS {}").format(base, count, count))
    if records.of:
        columns.append(sql.SQL("header.row_no AS {}").format(sql.Identifier(HEADER_ROW)))
    return columns


def _join_header(profile: ExtractProfile, records: Records, header: Records) -> sql.Composed:
    equal = [
        sql.SQL("header.{} = {}.{}").format(
            sql.Identifier(theirs), sql.Identifier(records.rows), sql.Identifier(own)
        )
        for own, theirs in records.of
    ]
    return sql.SQL("JOIN ({}) AS header ON {}").format(
        _base_rows(profile, header), sql.SQL(" AND ").join(equal)
    )


def _join(profile: ExtractProfile, records: Records, join: Join) -> sql.Composed:
    table = profile.tables[join.table]
    own = [column for column, _ in join.on]
    if join.rows == "pair":
        rows = sql.SQL("(SELECT t.*, {} FROM {} AS t)").format(
            _numbered(own, "pair", table), temporary(table.name)
        )
    elif join.rows == "one":
        rows = _first_of_key(table)
    else:
        rows = sql.SQL("(SELECT DISTINCT ON ({own}) * FROM {table} ORDER BY {own}, {all}, row_no)").format(
            own=_names(own), table=temporary(table.name), all=_names(table.columns)
        )
    alias = sql.Identifier(join.table)
    equal = [
        sql.SQL("{}.{} = {}.{}").format(
            alias, sql.Identifier(column), *(sql.Identifier(part) for part in theirs.split("."))
        )
        for column, theirs in join.on
    ]
    if join.rows == "pair":
        equal.append(
            sql.SQL("{}.pair = {}.{}").format(
                alias, sql.Identifier(records.rows), sql.Identifier(f"pair {join.table}")
            )
        )
    return sql.SQL("LEFT JOIN {} AS {} ON {}").format(rows, alias, sql.SQL(" AND ").join(equal))
