"""Twins: the requirement's migration A, with the rows that it refers to.

The table of the requirement keeps its names, columns and vocabulary. Added, with the reason:

- solar_systems, celestial_bodies, users: what the game has and twinpipe refers to; identifier is the game's
  name, by which rows are found
- twin_key: a name minted by the caller, so that a creation whose reply was lost can be repeated without
  making a second row
- body_digest: content name of the snapshot
- store_path: where the twin's transient outputs are
- deleted_at, purged_at: when a row was tombstoned, and when it was scrubbed to a stub that its children need
- lock_version: counts changes of a row, for optimistic writers
- status_transition: which status may follow which

Not null beyond the requirement: status and times. The index of expires_at is two partial ones, of what is to
expire and of what is to be purged; that of body and status holds active twins only, as the dashboard asks.

Triggers: guard_status (TP001) refuses a transition that is not in that table, touch_row keeps updated_at and
lock_version. A composite foreign key holds a twin to its body's system.

Revision ID: 0001
Revises:
"""

from __future__ import annotations

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE solar_systems (
    id bigint GENERATED ALWAYS AS IDENTITY,
    identifier text NOT NULL,
    name text NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_solar_systems PRIMARY KEY (id),
    CONSTRAINT uq_solar_systems_identifier UNIQUE (identifier)
);

CREATE TABLE status_transition (
    entity text NOT NULL,
    "old" text NOT NULL,
    "new" text NOT NULL,
    CONSTRAINT pk_status_transition PRIMARY KEY (entity, "old", "new")
);

CREATE TABLE users (
    id bigint GENERATED ALWAYS AS IDENTITY,
    name text NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_users PRIMARY KEY (id),
    CONSTRAINT uq_users_name UNIQUE (name)
);

CREATE TABLE celestial_bodies (
    id bigint GENERATED ALWAYS AS IDENTITY,
    identifier text NOT NULL,
    name text NOT NULL,
    solar_system_id bigint NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_celestial_bodies PRIMARY KEY (id),
    CONSTRAINT uq_celestial_bodies_id_solar_system_id UNIQUE (id, solar_system_id),
    CONSTRAINT uq_celestial_bodies_identifier UNIQUE (identifier),
    CONSTRAINT fk_celestial_bodies_solar_system_id FOREIGN KEY (solar_system_id) REFERENCES
        solar_systems (id) ON DELETE RESTRICT
);
CREATE INDEX ix_celestial_bodies_solar_system_id ON celestial_bodies (solar_system_id);

CREATE TABLE digital_twins (
    id bigint GENERATED ALWAYS AS IDENTITY,
    name text NOT NULL,
    description text,
    celestial_body_id bigint NOT NULL,
    solar_system_id bigint NOT NULL,
    created_by_id bigint,
    status varchar(32) DEFAULT 'creating' NOT NULL,
    simulation_parameters jsonb,
    initial_state_snapshot jsonb,
    expires_at timestamptz,
    twin_key uuid NOT NULL,
    body_digest text NOT NULL,
    store_path text,
    deleted_at timestamptz,
    purged_at timestamptz,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    lock_version integer DEFAULT 1 NOT NULL,
    CONSTRAINT pk_digital_twins PRIMARY KEY (id),
    CONSTRAINT fk_digital_twins_celestial_body_id_solar_system_id FOREIGN KEY (celestial_body_id,
        solar_system_id) REFERENCES celestial_bodies (id, solar_system_id) ON DELETE RESTRICT,
    CONSTRAINT ck_digital_twins_status CHECK (status IN ('creating', 'ready', 'running_simulation',
        'completed', 'failed', 'deleted')),
    CONSTRAINT ck_digital_twins_name CHECK (length(btrim(name)) BETWEEN 1 AND 200),
    CONSTRAINT ck_digital_twins_deleted CHECK ((status = 'deleted') = (deleted_at IS NOT NULL)),
    CONSTRAINT ck_digital_twins_deleted_is_expired CHECK (deleted_at IS NULL OR expires_at IS NOT NULL),
    CONSTRAINT ck_digital_twins_expires_at CHECK (expires_at >= created_at),
    CONSTRAINT ck_digital_twins_purged CHECK (purged_at IS NULL OR (deleted_at IS NOT NULL AND
        initial_state_snapshot IS NULL AND simulation_parameters IS NULL AND description IS NULL)),
    CONSTRAINT ck_digital_twins_simulation_parameters CHECK (simulation_parameters IS NULL OR
        jsonb_typeof(simulation_parameters) = 'object'),
    CONSTRAINT ck_digital_twins_initial_state_snapshot CHECK (initial_state_snapshot IS NULL OR
        jsonb_typeof(initial_state_snapshot) = 'object'),
    CONSTRAINT fk_digital_twins_solar_system_id FOREIGN KEY (solar_system_id) REFERENCES solar_systems
        (id) ON DELETE RESTRICT,
    CONSTRAINT fk_digital_twins_created_by_id FOREIGN KEY (created_by_id) REFERENCES users (id) ON
        DELETE SET NULL,
    CONSTRAINT uq_digital_twins_twin_key UNIQUE (twin_key)
);
CREATE INDEX ix_digital_twins_active_system_created ON digital_twins (solar_system_id, created_at DESC,
    id DESC) WHERE deleted_at IS NULL;
CREATE INDEX ix_digital_twins_celestial_body_id_status ON digital_twins (celestial_body_id, status)
    WHERE deleted_at IS NULL;
CREATE INDEX ix_digital_twins_simulation_parameters ON digital_twins USING gin (simulation_parameters
    jsonb_path_ops) WHERE deleted_at IS NULL;
CREATE INDEX ix_digital_twins_status ON digital_twins (status);
CREATE INDEX ix_digital_twins_stubs ON digital_twins (id) WHERE purged_at IS NOT NULL;
CREATE INDEX ix_digital_twins_to_expire ON digital_twins (expires_at) WHERE deleted_at IS NULL AND
    expires_at IS NOT NULL;
CREATE INDEX ix_digital_twins_to_purge ON digital_twins (expires_at) WHERE deleted_at IS NOT NULL AND
    purged_at IS NULL;
"""

FUNCTIONS = """
CREATE FUNCTION guard_status() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM status_transition t
        WHERE t.entity = TG_ARGV[0] AND t.old = OLD.status AND t.new = NEW.status
    ) THEN
        RAISE EXCEPTION '% % cannot go from % to %', TG_ARGV[0], OLD.id, OLD.status, NEW.status
            USING ERRCODE = 'TP001';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION touch_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at = clock_timestamp();
    RETURN NEW;
END $$;

CREATE FUNCTION touch_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at = clock_timestamp();
    NEW.lock_version = OLD.lock_version + 1;
    RETURN NEW;
END $$;

CREATE TRIGGER guard_status BEFORE UPDATE ON digital_twins FOR EACH ROW
    WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION guard_status('twin');
"""

TOUCHED = {
    "solar_systems": "touch_row",
    "celestial_bodies": "touch_row",
    "users": "touch_row",
    "digital_twins": "touch_version",
}

TRANSITIONS = """
INSERT INTO status_transition (entity, old, new) VALUES
    ('twin', 'creating', 'ready'),
    ('twin', 'creating', 'failed'),
    ('twin', 'creating', 'deleted'),
    ('twin', 'ready', 'running_simulation'),
    ('twin', 'ready', 'failed'),
    ('twin', 'ready', 'deleted'),
    ('twin', 'running_simulation', 'completed'),
    ('twin', 'running_simulation', 'ready'),
    ('twin', 'running_simulation', 'failed'),
    ('twin', 'completed', 'running_simulation'),
    ('twin', 'completed', 'deleted'),
    ('twin', 'failed', 'deleted')
"""


def upgrade() -> None:
    op.execute(TABLES)
    op.execute(FUNCTIONS)
    for table, function in TOUCHED.items():
        op.execute(
            f"CREATE TRIGGER touch_row BEFORE UPDATE ON {table} FOR EACH ROW "
            f"WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION {function}()"
        )
    op.execute(TRANSITIONS)
    op.execute("INSERT INTO users (name) VALUES ('system')")


def downgrade() -> None:
    for table in ("digital_twins", "celestial_bodies", "users", "status_transition", "solar_systems"):
        op.execute(f"DROP TABLE {table}")
    for function in ("guard_status", "touch_row", "touch_version"):
        op.execute(f"DROP FUNCTION {function}()")
