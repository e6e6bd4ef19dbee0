"""Sweeps, seals, outbox, daily statistics, audit log: what the pipeline itself keeps.

- sweeps: designed sets of runs on one twin; simulation_runs.sweep_id and member place a run in one. A twin is
  simulated by one run or one sweep at a time: the index of running runs leaves out members
- segments: the seals of what was written to the store, noted with the result, gone with the bytes
- outbox: effects outside Postgres that a transaction owes (dropping a store, telling of a result); done_at and
  outcome are the proof
- run_stats_daily: sums for the dashboard, written with each result
- audit_log: who did what

Revision ID: 0004
Revises: 0003
"""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE sweeps (
    id bigint GENERATED ALWAYS AS IDENTITY,
    digital_twin_id bigint NOT NULL,
    initiated_by_id bigint,
    sweep_key uuid NOT NULL,
    name text NOT NULL,
    status varchar(32) DEFAULT 'queued' NOT NULL,
    spec jsonb,
    spec_digest text NOT NULL,
    members integer NOT NULL,
    progress double precision DEFAULT 0 NOT NULL,
    started_at timestamptz,
    completed_at timestamptz,
    error_message text,
    flow_run_id uuid,
    attempt integer DEFAULT 0 NOT NULL,
    lease_generation integer DEFAULT 0 NOT NULL,
    lease_holder uuid,
    lease_until timestamptz,
    purged_at timestamptz,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    lock_version integer DEFAULT 1 NOT NULL,
    CONSTRAINT pk_sweeps PRIMARY KEY (id),
    CONSTRAINT uq_sweeps_id_digital_twin_id UNIQUE (id, digital_twin_id),
    CONSTRAINT ck_sweeps_status CHECK (status IN ('queued', 'running', 'completed', 'failed',
        'cancelled')),
    CONSTRAINT ck_sweeps_progress CHECK (progress >= 0 AND progress <= 1),
    CONSTRAINT ck_sweeps_ended CHECK (status NOT IN ('completed', 'failed', 'cancelled') OR completed_at
        IS NOT NULL),
    CONSTRAINT ck_sweeps_completed CHECK (status <> 'completed' OR (progress = 1 AND started_at IS NOT
        NULL)),
    CONSTRAINT ck_sweeps_failed CHECK (status <> 'failed' OR error_message IS NOT NULL OR purged_at IS
        NOT NULL),
    CONSTRAINT ck_sweeps_in_order CHECK (completed_at IS NULL OR started_at IS NULL OR completed_at >=
        started_at),
    CONSTRAINT ck_sweeps_lease CHECK ((status = 'running') = (lease_until IS NOT NULL) AND (status <>
        'running' OR attempt > 0)),
    CONSTRAINT ck_sweeps_name CHECK (length(btrim(name)) BETWEEN 1 AND 200),
    CONSTRAINT ck_sweeps_members CHECK (members > 0),
    CONSTRAINT ck_sweeps_spec CHECK (spec IS NULL OR jsonb_typeof(spec) = 'object'),
    CONSTRAINT ck_sweeps_purged CHECK (purged_at IS NULL OR (status NOT IN ('queued', 'running') AND
        spec IS NULL AND error_message IS NULL)),
    CONSTRAINT fk_sweeps_digital_twin_id FOREIGN KEY (digital_twin_id) REFERENCES digital_twins (id) ON
        DELETE RESTRICT,
    CONSTRAINT fk_sweeps_initiated_by_id FOREIGN KEY (initiated_by_id) REFERENCES users (id) ON DELETE
        SET NULL,
    CONSTRAINT uq_sweeps_sweep_key UNIQUE (sweep_key)
);
CREATE INDEX ix_sweeps_digital_twin_id_spec_digest ON sweeps (digital_twin_id, spec_digest);
CREATE INDEX ix_sweeps_live ON sweeps (created_at) WHERE status IN ('queued', 'running');
CREATE UNIQUE INDEX uq_sweeps_one_running ON sweeps (digital_twin_id) WHERE status = 'running';

CREATE TRIGGER guard_status BEFORE UPDATE ON sweeps FOR EACH ROW
    WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION guard_status('sweep');
CREATE TRIGGER touch_row BEFORE UPDATE ON sweeps FOR EACH ROW
    WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION touch_version();

INSERT INTO status_transition (entity, old, new)
    SELECT 'sweep', old, new FROM status_transition WHERE entity = 'run';

ALTER TABLE simulation_runs ADD COLUMN sweep_id bigint, ADD COLUMN member integer;
ALTER TABLE simulation_runs ADD CONSTRAINT ck_simulation_runs_member
    CHECK ((sweep_id IS NULL) = (member IS NULL) AND member >= 0);
ALTER TABLE simulation_runs ADD CONSTRAINT fk_simulation_runs_sweep_id_digital_twin_id
    FOREIGN KEY (sweep_id, digital_twin_id) REFERENCES sweeps (id, digital_twin_id) ON DELETE RESTRICT;
CREATE UNIQUE INDEX ix_simulation_runs_sweep_id_member ON simulation_runs (sweep_id, member)
    WHERE sweep_id IS NOT NULL;
DROP INDEX uq_simulation_runs_one_running;
CREATE UNIQUE INDEX uq_simulation_runs_one_running ON simulation_runs (digital_twin_id)
    WHERE status = 'running' AND sweep_id IS NULL;

CREATE TABLE segments (
    id bigint GENERATED ALWAYS AS IDENTITY,
    digital_twin_id bigint NOT NULL,
    simulation_run_id bigint,
    sweep_id bigint,
    block integer NOT NULL,
    segment integer NOT NULL,
    generation bigint NOT NULL,
    digest text NOT NULL,
    files integer NOT NULL,
    bytes bigint NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_segments PRIMARY KEY (id),
    CONSTRAINT fk_segments_simulation_run_id_digital_twin_id FOREIGN KEY (simulation_run_id,
        digital_twin_id) REFERENCES simulation_runs (id, digital_twin_id) ON DELETE RESTRICT,
    CONSTRAINT fk_segments_sweep_id_digital_twin_id FOREIGN KEY (sweep_id, digital_twin_id) REFERENCES
        sweeps (id, digital_twin_id) ON DELETE RESTRICT,
    CONSTRAINT uq_segments_simulation_run_id_sweep_id_block_segment UNIQUE NULLS NOT DISTINCT
        (simulation_run_id, sweep_id, block, segment),
    CONSTRAINT ck_segments_owner CHECK (num_nonnulls(simulation_run_id, sweep_id) = 1),
    CONSTRAINT ck_segments_place CHECK (block >= 0 AND segment >= 0),
    CONSTRAINT ck_segments_bytes CHECK (bytes >= 0 AND files >= 0),
    CONSTRAINT ck_segments_digest CHECK (length(digest) = 64),
    CONSTRAINT fk_segments_digital_twin_id FOREIGN KEY (digital_twin_id) REFERENCES digital_twins (id)
        ON DELETE RESTRICT
);
CREATE INDEX ix_segments_digital_twin_id ON segments (digital_twin_id);
CREATE INDEX ix_segments_sweep_id ON segments (sweep_id) WHERE sweep_id IS NOT NULL;

CREATE TABLE outbox (
    id bigint GENERATED ALWAYS AS IDENTITY,
    topic text NOT NULL,
    dedup_key text NOT NULL,
    payload jsonb NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    available_at timestamptz DEFAULT now() NOT NULL,
    done_at timestamptz,
    error text,
    outcome jsonb,
    created_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_outbox PRIMARY KEY (id),
    CONSTRAINT ck_outbox_payload CHECK (jsonb_typeof(payload) = 'object'),
    CONSTRAINT ck_outbox_outcome CHECK (outcome IS NULL OR jsonb_typeof(outcome) = 'object'),
    CONSTRAINT ck_outbox_attempts CHECK (attempts >= 0),
    CONSTRAINT ck_outbox_proof CHECK ((done_at IS NULL) = (outcome IS NULL)),
    CONSTRAINT uq_outbox_dedup_key UNIQUE (dedup_key)
);
CREATE INDEX ix_outbox_done_at ON outbox (done_at) WHERE done_at IS NOT NULL;
CREATE INDEX ix_outbox_owed ON outbox (topic, available_at) WHERE done_at IS NULL;

CREATE TABLE run_stats_daily (
    solar_system_id bigint NOT NULL,
    pattern varchar(32) NOT NULL,
    day date NOT NULL,
    n bigint NOT NULL,
    sum_overall double precision NOT NULL,
    sum_habitability double precision NOT NULL,
    best_overall double precision NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_run_stats_daily PRIMARY KEY (solar_system_id, pattern, day),
    CONSTRAINT ck_run_stats_daily_pattern CHECK (pattern IN ('mars_terraform', 'venus_industrial',
        'titan_fuel', 'europa_ocean', 'custom')),
    CONSTRAINT ck_run_stats_daily_n CHECK (n > 0),
    CONSTRAINT ck_run_stats_daily_sums CHECK (sum_overall BETWEEN 0 AND n AND sum_habitability BETWEEN 0
        AND n),
    CONSTRAINT ck_run_stats_daily_best_overall CHECK (best_overall BETWEEN 0 AND 1),
    CONSTRAINT fk_run_stats_daily_solar_system_id FOREIGN KEY (solar_system_id) REFERENCES solar_systems
        (id) ON DELETE RESTRICT
);
CREATE INDEX ix_run_stats_daily_day ON run_stats_daily (day);

CREATE TABLE audit_log (
    id bigint GENERATED ALWAYS AS IDENTITY,
    actor text NOT NULL,
    action text NOT NULL,
    entity text NOT NULL,
    entity_id bigint,
    detail jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_audit_log PRIMARY KEY (id),
    CONSTRAINT ck_audit_log_detail CHECK (jsonb_typeof(detail) = 'object')
);
CREATE INDEX ix_audit_log_created_at ON audit_log USING brin (created_at) WITH (autosummarize = on);
CREATE INDEX ix_audit_log_entity_entity_id ON audit_log (entity, entity_id);

CREATE TRIGGER frozen_row BEFORE UPDATE ON segments FOR EACH ROW EXECUTE FUNCTION frozen_row();
CREATE TRIGGER frozen_row BEFORE UPDATE ON audit_log FOR EACH ROW EXECUTE FUNCTION frozen_row();
CREATE TRIGGER touch_row BEFORE UPDATE ON run_stats_daily FOR EACH ROW
    WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION touch_row();
"""


def upgrade() -> None:
    op.execute(TABLES)


def downgrade() -> None:
    for table in ("audit_log", "run_stats_daily", "outbox", "segments"):
        op.execute(f"DROP TABLE {table}")
    op.execute("DROP INDEX uq_simulation_runs_one_running")
    op.execute("ALTER TABLE simulation_runs DROP COLUMN sweep_id, DROP COLUMN member")
    op.execute(
        "CREATE UNIQUE INDEX uq_simulation_runs_one_running ON simulation_runs (digital_twin_id) "
        "WHERE status = 'running'"
    )
    op.execute("DROP TABLE sweeps")
    op.execute("DELETE FROM status_transition WHERE entity = 'sweep'")
