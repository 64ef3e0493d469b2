"""Rows as their owners see them: what belongs to somebody else is not there."""

from __future__ import annotations

from dataclasses import dataclass
from sqlite3 import Connection, Row

from exceptions import InvalidRequestError, NotFoundError


@dataclass(frozen=True, slots=True)
class OwnedRows:
    """`rows` is a table, or a query in parentheses, with an `id` and an `owner`; where it is paged, also with
    a `number` that rises from row to row. `name` is what callers call one, `param` how they send its id."""

    rows: str
    name: str
    param: str | None = None

    def find(self, connection: Connection, owner: str, row_id: str) -> Row:
        """Raises NotFoundError."""
        row = self._row(connection, owner, row_id)
        if row is None:
            raise NotFoundError(f"There is no {self.name} '{row_id[:100]}'.", param=self.param)
        return row

    def number_of(self, connection: Connection, owner: str, after: str | None) -> int | None:
        """Where a page begins that is to come after the row `after`. Raises InvalidRequestError."""
        if after is None:
            return None
        row = self._row(connection, owner, after)
        if row is None:
            raise InvalidRequestError(
                f"There is no {self.name} '{after[:100]}' to go on after.", param="after"
            )
        return int(row["number"])

    def _row(self, connection: Connection, owner: str, row_id: str) -> Row | None:
        query = f"SELECT * FROM {self.rows} WHERE id = ? AND owner = ?"  # noqa: S608
        row: Row | None = connection.execute(query, (row_id, owner)).fetchone()
        return row
