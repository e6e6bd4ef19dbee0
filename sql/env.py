"""Alembic environment: one migrator at a time, one transaction per migration.

The connection is config.attributes["connection"], or made from -x url=... or TWINPIPE_DATABASE_URL.
"""

from __future__ import annotations

import os

from alembic import context
from sqlalchemy import Connection, text

from twinpipe.db.migrate import LOCK
from twinpipe.db.models import Base
from twinpipe.db.session import engine, normal_url


def migrate(connection: Connection) -> None:
    """Run the migrations under a lock of the session, which several cold starts queue for.

    Within a transaction of the caller they are a part of it, and nothing is committed here.
    """
    if connection.in_transaction():
        connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK})"))
        context.configure(connection=connection, target_metadata=Base.metadata)
        context.run_migrations()
        return
    connection.execute(text("SET lock_timeout = '120s'"))
    connection.execute(text("SET statement_timeout = 0"))
    connection.execute(text(f"SELECT pg_advisory_lock({LOCK})"))
    connection.execute(text("SET lock_timeout = '5s'"))  # rather give up than queue before everybody's work
    connection.commit()
    try:
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            transaction_per_migration=True,
            compare_server_default=True,
        )
        with context.begin_transaction():
            context.run_migrations()
    finally:
        connection.rollback()
        connection.execute(text(f"SELECT pg_advisory_unlock({LOCK})"))
        for name in ("lock_timeout", "statement_timeout"):  # back to what the connection came with
            connection.execute(text(f"RESET {name}"))
        connection.commit()


def given_url() -> str:
    url = context.get_x_argument(as_dictionary=True).get("url") or os.environ.get("TWINPIPE_DATABASE_URL")
    if not url:
        raise SystemExit("give the database as -x url=postgresql://... or in TWINPIPE_DATABASE_URL.")
    return normal_url(url)


if context.is_offline_mode():
    context.configure(
        dialect_name="postgresql",
        dialect_opts={"paramstyle": "named"},  # else each % is doubled, as for a driver
        target_metadata=Base.metadata,
        literal_binds=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()
elif given := context.config.attributes.get("connection"):
    migrate(given)
else:
    with engine(given_url()).connect() as own:
        migrate(own)
