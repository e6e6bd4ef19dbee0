"""The ledger in Postgres: what exists, in which state; the one door to sqlalchemy, psycopg and alembic."""
