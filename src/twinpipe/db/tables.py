"""What tables the database holds: columns, keys, sequences, parents before children; and their fingerprints."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any, Self

from sqlalchemy import Connection, text

from twinpipe.errors import Failure

COLUMNS = """
    SELECT c.relname AS table, array_agg(a.attname::text ORDER BY a.attnum) AS columns,
           coalesce(array_agg(a.attname::text ORDER BY a.attnum) FILTER (WHERE a.attgenerated <> ''), '{}')
               AS generated,
           (SELECT coalesce(array_agg(k.attname::text ORDER BY array_position(x.indkey::int2[], k.attnum)), '{}')
            FROM pg_index x JOIN pg_attribute k ON k.attrelid = x.indrelid AND k.attnum = ANY (x.indkey::int2[])
            WHERE x.indrelid = c.oid AND x.indisprimary) AS key,
           min(a.attname::text) FILTER (WHERE a.attidentity <> '') AS identity
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
          AND c.relname <> 'alembic_version'
    GROUP BY c.oid, c.relname ORDER BY c.relname"""

FOREIGN_KEYS = """
    SELECT conrelid::regclass::text AS child, confrelid::regclass::text AS parent,
           (SELECT string_agg(format('p.%I = c.%I', pa.attname, ca.attname), ' AND ')
            FROM unnest(f.conkey, f.confkey) AS k (child, parent)
            JOIN pg_attribute ca ON ca.attrelid = f.conrelid AND ca.attnum = k.child
            JOIN pg_attribute pa ON pa.attrelid = f.confrelid AND pa.attnum = k.parent) AS meet,
           (SELECT string_agg(format('c.%I IS NOT NULL', ca.attname), ' AND ')
            FROM unnest(f.conkey) AS k (child)
            JOIN pg_attribute ca ON ca.attrelid = f.conrelid AND ca.attnum = k.child) AS given
    FROM pg_constraint f
    WHERE contype = 'f' AND connamespace = 'public'::regnamespace AND conparentid = 0 ORDER BY conrelid, conname"""

REMNANTS = """
    SELECT 'table ' || relname FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'S')
          AND relname <> 'alembic_version'
    UNION ALL SELECT 'function ' || proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    UNION ALL SELECT 'type ' || typname FROM pg_type
    WHERE typnamespace = 'public'::regnamespace AND typtype IN ('e', 'd') ORDER BY 1"""


@dataclass(frozen=True)
class Table:
    """A table as the catalogue describes it."""

    name: str
    columns: list[str]
    generated: list[str]
    key: list[str]
    identity: str | None

    @property
    def stored(self) -> list[str]:
        """Columns that are written; the others follow from them."""
        return [c for c in self.columns if c not in self.generated]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of(cls, values: dict[str, Any]) -> Self:
        return cls(**{name: values[name] for name in ("name", "columns", "generated", "key", "identity")})


@dataclass(frozen=True)
class Fingerprint:
    """Rows of a table and the sum of their hashes, which does not depend on their order."""

    rows: int
    hash: str


def quoted(names: list[str], prefix: str = "") -> str:
    """Names as a list in SQL."""
    return ", ".join(f'{prefix}"{name}"' for name in names)


def tables(connection: Connection) -> list[Table]:
    """Every table but Alembic's, parents before children; raises Failure when they refer in a circle."""
    found = {}
    for row in connection.execute(text(COLUMNS)).mappings():
        values = dict(row)
        found[values["table"]] = Table(
            values["table"], values["columns"], values["generated"], values["key"], values["identity"]
        )
    before: dict[str, set[str]] = {name: set() for name in sorted(found)}
    for child, parent, *_ in connection.execute(text(FOREIGN_KEYS)):
        if child != parent:
            before[child].add(parent)
    try:
        return [found[name] for name in TopologicalSorter(before).static_order()]
    except CycleError as error:
        raise Failure(f"tables {', '.join(error.args[1])} refer to each other in a circle.") from None


def fingerprint(connection: Connection, table: Table) -> Fingerprint:
    """Count and hash of the rows, over the columns that the table names."""
    rows, total = connection.execute(
        text(
            f"SELECT count(*), coalesce(sum(hashtextextended(ROW({quoted(table.columns)})::text, 0)), 0)::text "
            f'FROM "{table.name}"'
        )
    ).one()
    return Fingerprint(rows, total)


def sequence(connection: Connection, table: Table) -> tuple[int, bool] | None:
    """State of the sequence that numbers the rows of a table."""
    if table.identity is None:
        return None
    name = connection.scalar(text("SELECT pg_get_serial_sequence(:t, :c)"), {"t": table.name, "c": table.identity})
    last, called = connection.execute(text(f"SELECT last_value, is_called FROM {name}")).one()
    return last, called


def orphans(connection: Connection) -> dict[str, int]:
    """Rows whose parent is missing, by foreign key; the keys themselves should leave none."""
    found = {}
    for child, parent, meet, given in connection.execute(text(FOREIGN_KEYS)).all():
        lost = connection.scalar(
            text(f"SELECT count(*) FROM {child} c WHERE {given} AND NOT EXISTS (SELECT FROM {parent} p WHERE {meet})")
        )
        if lost:
            found[f"{child} without {parent}"] = int(lost)
    return found


def remnants(connection: Connection) -> list[str]:
    """Tables, sequences, views, functions and types beside Alembic's own table."""
    return list(connection.scalars(text(REMNANTS)))
