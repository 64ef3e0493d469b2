"""Row access by owner: the rows of other owners are treated as missing."""

from __future__ import annotations

from dataclasses import dataclass
from sqlite3 import Connection, Row

from exceptions import InvalidRequestError, NotFoundError


@dataclass(frozen=True, slots=True)
class OwnedRows:
    """`rows` is a table, or a query in parentheses, with an `id` and an `owner`; if it is paged, also with an
    ascending `number`. `name` is what clients call a row, `param` the parameter with its id."""

    rows: str
    name: str
    param: str | None = None

    def find(self, connection: Connection, owner: str, row_id: str) -> Row:
        """Raises NotFoundError."""
        row = self._row(connection, owner, row_id)
        if row is None:
            raise NotFoundError(f"There is no {self.name} '{row_id[:100]}'.", param=self.param)
        return row

    def page_start(self, connection: Connection, owner: str, after: str | None) -> int | None:
        """The number of the row `after`, behind which a page starts. Raises InvalidRequestError."""
        if after is None:
            return None
        row = self._row(connection, owner, after)
        if row is None:
            raise InvalidRequestError(
                f"There is no {self.name} '{after[:100]}' to continue after.", param="after"
            )
        return int(row["number"])

    def _row(self, connection: Connection, owner: str, row_id: str) -> Row | None:
        query = f"SELECT * FROM {self.rows} WHERE id = ? AND owner = ?"  # noqa: S608
        row: Row | None = connection.execute(query, (row_id, owner)).fetchone()
        return row
