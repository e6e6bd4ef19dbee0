"""The ledger: bodies, users, twins, runs, results.

The tables of the requirement keep its names, columns and vocabularies. Added to them, with the reason:

- celestial_bodies.identifier, solar_systems.identifier: the game's names, by which rows are found
- digital_twins.twin_key, simulation_runs.run_key: names minted by the caller, so that a creation whose reply
  was lost can be repeated without making a second row
- digital_twins.body_digest, simulation_runs.spec_digest: content names; the same content is the same run
- digital_twins.store_path: where the twin's transient outputs are
- deleted_at, purged_at: when a row was tombstoned, and when it was scrubbed to a stub that its children need
- simulation_runs.attempt, lease_generation, lease_holder, lease_until: who may write for a run; a late writer
  with an older generation is refused, and a run whose lease ran out is taken over or reaped
- simulation_runs.flow_run_id: the orchestrator's name of the run
- simulation_results.payload_sha256: tells a repeated insert from a different one
- simulation_results.schema_version: which shape the payloads have
- simulation_results.habitability_score, overall_score: generated, for sorting with an index
- lock_version: counts changes of a row, for optimistic writers
- status_transition: which status may follow which

Triggers: guard_status (TP001) refuses a transition that is not in that table, frozen_row (TP002) refuses any
update of a result, touch_row keeps updated_at and lock_version. Composite foreign keys hold a twin to its
body's system and a result to its run's twin. Checks refuse metrics outside 0..1 and books that do not close.

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
    old text NOT NULL,
    new text NOT NULL,
    CONSTRAINT pk_status_transition PRIMARY KEY (entity, old, new)
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
    CONSTRAINT ck_digital_twins_purged CHECK (purged_at IS NULL OR (deleted_at IS NOT NULL AND
        initial_state_snapshot IS NULL AND simulation_parameters IS NULL)),
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
CREATE INDEX ix_digital_twins_expires_at ON digital_twins (expires_at) WHERE deleted_at IS NULL AND
    expires_at IS NOT NULL;
CREATE INDEX ix_digital_twins_simulation_parameters ON digital_twins USING gin (simulation_parameters
    jsonb_path_ops) WHERE deleted_at IS NULL;
CREATE INDEX ix_digital_twins_status ON digital_twins (status);

CREATE TABLE simulation_runs (
    id bigint GENERATED ALWAYS AS IDENTITY,
    digital_twin_id bigint NOT NULL,
    initiated_by_id bigint,
    status varchar(32) DEFAULT 'queued' NOT NULL,
    pattern varchar(32) NOT NULL,
    duration_years integer NOT NULL,
    parameters jsonb,
    started_at timestamptz,
    completed_at timestamptz,
    error_message text,
    progress double precision DEFAULT 0 NOT NULL,
    run_key uuid NOT NULL,
    spec_digest text NOT NULL,
    flow_run_id uuid,
    attempt integer DEFAULT 0 NOT NULL,
    lease_generation integer DEFAULT 0 NOT NULL,
    lease_holder uuid,
    lease_until timestamptz,
    purged_at timestamptz,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    lock_version integer DEFAULT 1 NOT NULL,
    CONSTRAINT pk_simulation_runs PRIMARY KEY (id),
    CONSTRAINT uq_simulation_runs_id_digital_twin_id UNIQUE (id, digital_twin_id),
    CONSTRAINT ck_simulation_runs_status CHECK (status IN ('queued', 'running', 'completed', 'failed',
        'cancelled')),
    CONSTRAINT ck_simulation_runs_pattern CHECK (pattern IN ('mars_terraform', 'venus_industrial',
        'titan_fuel', 'europa_ocean', 'custom')),
    CONSTRAINT ck_simulation_runs_duration_years CHECK (duration_years BETWEEN 1 AND 1000),
    CONSTRAINT ck_simulation_runs_progress CHECK (progress >= 0 AND progress <= 1),
    CONSTRAINT ck_simulation_runs_parameters CHECK (parameters IS NULL OR jsonb_typeof(parameters) =
        'object'),
    CONSTRAINT ck_simulation_runs_ended CHECK (status NOT IN ('completed', 'failed', 'cancelled') OR
        completed_at IS NOT NULL),
    CONSTRAINT ck_simulation_runs_completed CHECK (status <> 'completed' OR (progress = 1 AND started_at
        IS NOT NULL)),
    CONSTRAINT ck_simulation_runs_failed CHECK (status <> 'failed' OR error_message IS NOT NULL OR
        purged_at IS NOT NULL),
    CONSTRAINT ck_simulation_runs_in_order CHECK (completed_at IS NULL OR started_at IS NULL OR
        completed_at >= started_at),
    CONSTRAINT ck_simulation_runs_lease CHECK ((status = 'running') = (lease_until IS NOT NULL) AND
        (status <> 'running' OR attempt > 0)),
    CONSTRAINT fk_simulation_runs_digital_twin_id FOREIGN KEY (digital_twin_id) REFERENCES digital_twins
        (id) ON DELETE RESTRICT,
    CONSTRAINT fk_simulation_runs_initiated_by_id FOREIGN KEY (initiated_by_id) REFERENCES users (id) ON
        DELETE SET NULL,
    CONSTRAINT uq_simulation_runs_run_key UNIQUE (run_key))
 WITH (fillfactor = 85);
CREATE INDEX ix_simulation_runs_digital_twin_id_spec_digest ON simulation_runs (digital_twin_id,
    spec_digest);
CREATE INDEX ix_simulation_runs_digital_twin_id_status ON simulation_runs (digital_twin_id, status);
CREATE INDEX ix_simulation_runs_live ON simulation_runs (created_at) WHERE status IN ('queued',
    'running');
CREATE INDEX ix_simulation_runs_parameters ON simulation_runs USING gin (parameters jsonb_path_ops);
CREATE INDEX ix_simulation_runs_status ON simulation_runs (status);
CREATE INDEX ix_simulation_runs_twin_created ON simulation_runs (digital_twin_id, created_at DESC);
CREATE UNIQUE INDEX uq_simulation_runs_one_running ON simulation_runs (digital_twin_id) WHERE status =
    'running';

CREATE TABLE simulation_results (
    id bigint GENERATED ALWAYS AS IDENTITY,
    simulation_run_id bigint NOT NULL,
    digital_twin_id bigint NOT NULL,
    start_state jsonb NOT NULL,
    end_state jsonb NOT NULL,
    key_events jsonb NOT NULL,
    resource_consumption jsonb NOT NULL,
    success_metrics jsonb NOT NULL,
    performance_data jsonb NOT NULL,
    schema_version integer DEFAULT 1 NOT NULL,
    payload_sha256 bytea NOT NULL,
    habitability_score double precision GENERATED ALWAYS AS ((success_metrics ->>
        'habitability_score')::double precision) STORED,
    overall_score double precision GENERATED ALWAYS AS ((((success_metrics ->>
        'habitability_score')::double precision) + ((success_metrics ->> 'timeline_efficiency')::double
        precision) + ((success_metrics ->> 'resource_efficiency')::double precision) + ((success_metrics
        ->> 'cost_efficiency')::double precision)) / 4) STORED,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_simulation_results PRIMARY KEY (id),
    CONSTRAINT fk_simulation_results_simulation_run_id_digital_twin_id FOREIGN KEY (simulation_run_id,
        digital_twin_id) REFERENCES simulation_runs (id, digital_twin_id) ON DELETE RESTRICT,
    CONSTRAINT ck_simulation_results_start_state CHECK (jsonb_typeof(start_state) = 'object'),
    CONSTRAINT ck_simulation_results_end_state CHECK (jsonb_typeof(end_state) = 'object'),
    CONSTRAINT ck_simulation_results_key_events CHECK (jsonb_typeof(key_events) = 'array'),
    CONSTRAINT ck_simulation_results_resource_consumption CHECK (jsonb_typeof(resource_consumption) =
        'object'),
    CONSTRAINT ck_simulation_results_success_metrics CHECK (jsonb_typeof(success_metrics) = 'object'),
    CONSTRAINT ck_simulation_results_performance_data CHECK (jsonb_typeof(performance_data) = 'object'),
    CONSTRAINT ck_simulation_results_habitability_score CHECK (((success_metrics ->>
        'habitability_score')::double precision BETWEEN 0 AND 1) IS TRUE),
    CONSTRAINT ck_simulation_results_timeline_efficiency CHECK (((success_metrics ->>
        'timeline_efficiency')::double precision BETWEEN 0 AND 1) IS TRUE),
    CONSTRAINT ck_simulation_results_resource_efficiency CHECK (((success_metrics ->>
        'resource_efficiency')::double precision BETWEEN 0 AND 1) IS TRUE),
    CONSTRAINT ck_simulation_results_cost_efficiency CHECK (((success_metrics ->>
        'cost_efficiency')::double precision BETWEEN 0 AND 1) IS TRUE),
    CONSTRAINT ck_simulation_results_budget_closes CHECK (((performance_data ->>
        'budget_closes')::boolean) IS TRUE),
    CONSTRAINT ck_simulation_results_payload_sha256 CHECK (octet_length(payload_sha256) = 32),
    CONSTRAINT uq_simulation_results_simulation_run_id UNIQUE (simulation_run_id),
    CONSTRAINT fk_simulation_results_digital_twin_id FOREIGN KEY (digital_twin_id) REFERENCES
        digital_twins (id) ON DELETE RESTRICT
);
CREATE INDEX ix_simulation_results_best ON simulation_results (overall_score DESC NULLS LAST);
CREATE INDEX ix_simulation_results_created_at ON simulation_results USING brin (created_at) WITH
    (autosummarize = on);
CREATE INDEX ix_simulation_results_digital_twin_id ON simulation_results (digital_twin_id);
CREATE INDEX ix_simulation_results_success_metrics ON simulation_results USING gin (success_metrics
    jsonb_path_ops);
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

CREATE FUNCTION frozen_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are never changed', TG_TABLE_NAME USING ERRCODE = 'TP002';
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
CREATE TRIGGER guard_status BEFORE UPDATE ON simulation_runs FOR EACH ROW
    WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION guard_status('run');
CREATE TRIGGER frozen_row BEFORE UPDATE ON simulation_results FOR EACH ROW EXECUTE FUNCTION frozen_row();
"""

TOUCHED = {
    "solar_systems": "touch_row",
    "celestial_bodies": "touch_row",
    "users": "touch_row",
    "digital_twins": "touch_version",
    "simulation_runs": "touch_version",
}

TRANSITIONS = {
    "twin": {
        "creating": ("ready", "failed", "deleted"),
        "ready": ("running_simulation", "failed", "deleted"),
        "running_simulation": ("completed", "ready", "failed"),
        "completed": ("running_simulation", "deleted"),
        "failed": ("deleted",),
    },
    "run": {"queued": ("running", "failed", "cancelled"), "running": ("completed", "failed", "cancelled")},
}


def upgrade() -> None:
    op.execute(TABLES)
    op.execute(FUNCTIONS)
    for table, function in TOUCHED.items():
        op.execute(
            f"CREATE TRIGGER touch_row BEFORE UPDATE ON {table} FOR EACH ROW "
            f"WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION {function}()"
        )
    rows = [
        f"('{entity}', '{old}', '{new}')"
        for entity, steps in TRANSITIONS.items()
        for old, news in steps.items()
        for new in news
    ]
    op.execute(f"INSERT INTO status_transition (entity, old, new) VALUES {', '.join(rows)}")
    op.execute("INSERT INTO users (name) VALUES ('system')")


def downgrade() -> None:
    for table in (
        "simulation_results",
        "simulation_runs",
        "digital_twins",
        "celestial_bodies",
        "users",
        "status_transition",
        "solar_systems",
    ):
        op.execute(f"DROP TABLE {table}")
    for function in ("guard_status", "frozen_row", "touch_row", "touch_version"):
        op.execute(f"DROP FUNCTION {function}()")
