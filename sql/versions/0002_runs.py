"""Runs: the requirement's migration B.

The table of the requirement keeps its names, columns and vocabularies. Added, with the reason:

- run_key: a name minted by the caller, so that a creation whose reply was lost can be repeated
- spec_digest: content name; the same content on the same twin is the same run
- attempt, lease_generation, lease_holder, lease_until: who may write for a run; a late writer with an older
  generation is refused, and a run whose lease ran out is taken over or reaped
- flow_run_id: the orchestrator's name of the run
- purged_at: when the row was scrubbed to a stub that its result needs
- lock_version: counts changes of a row, for optimistic writers

Not null beyond the requirement: status, pattern, duration_years, progress and times. One run of a twin runs at
a time, which a unique index holds.

Revision ID: 0002
Revises: 0001
"""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLE = """
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
    CONSTRAINT ck_simulation_runs_progress CHECK (progress >= 0 AND progress <= 1),
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
    CONSTRAINT ck_simulation_runs_pattern CHECK (pattern IN ('mars_terraform', 'venus_industrial',
        'titan_fuel', 'europa_ocean', 'custom')),
    CONSTRAINT ck_simulation_runs_duration_years CHECK (duration_years BETWEEN 1 AND 1000),
    CONSTRAINT ck_simulation_runs_parameters CHECK (parameters IS NULL OR jsonb_typeof(parameters) =
        'object'),
    CONSTRAINT ck_simulation_runs_purged CHECK (purged_at IS NULL OR (status NOT IN ('queued',
        'running') AND parameters IS NULL AND error_message IS NULL)),
    CONSTRAINT fk_simulation_runs_digital_twin_id FOREIGN KEY (digital_twin_id) REFERENCES digital_twins
        (id) ON DELETE RESTRICT,
    CONSTRAINT fk_simulation_runs_initiated_by_id FOREIGN KEY (initiated_by_id) REFERENCES users (id) ON
        DELETE SET NULL,
    CONSTRAINT uq_simulation_runs_run_key UNIQUE (run_key)
) WITH (fillfactor = 85);
CREATE INDEX ix_simulation_runs_created_at ON simulation_runs USING brin (created_at) WITH
    (autosummarize = on);
CREATE INDEX ix_simulation_runs_digital_twin_id_spec_digest ON simulation_runs (digital_twin_id,
    spec_digest);
CREATE INDEX ix_simulation_runs_digital_twin_id_status ON simulation_runs (digital_twin_id, status);
CREATE INDEX ix_simulation_runs_live ON simulation_runs (created_at, id) WHERE status IN ('queued',
    'running');
CREATE INDEX ix_simulation_runs_parameters ON simulation_runs USING gin (parameters jsonb_path_ops);
CREATE INDEX ix_simulation_runs_status ON simulation_runs (status);
CREATE INDEX ix_simulation_runs_stubs ON simulation_runs (id) WHERE purged_at IS NOT NULL;
CREATE INDEX ix_simulation_runs_to_purge ON simulation_runs (COALESCE(completed_at, created_at)) WHERE
    purged_at IS NULL;
CREATE INDEX ix_simulation_runs_twin_created ON simulation_runs (digital_twin_id, created_at DESC, id DESC);
CREATE UNIQUE INDEX uq_simulation_runs_one_running ON simulation_runs (digital_twin_id) WHERE status = 'running';

CREATE TRIGGER guard_status BEFORE UPDATE ON simulation_runs FOR EACH ROW
    WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION guard_status('run');
CREATE TRIGGER touch_row BEFORE UPDATE ON simulation_runs FOR EACH ROW
    WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION touch_version();

INSERT INTO status_transition (entity, old, new) VALUES
    ('run', 'queued', 'running'),
    ('run', 'queued', 'failed'),
    ('run', 'queued', 'cancelled'),
    ('run', 'running', 'completed'),
    ('run', 'running', 'failed'),
    ('run', 'running', 'cancelled');
"""


def upgrade() -> None:
    op.execute(TABLE)


def downgrade() -> None:
    op.execute("DROP TABLE simulation_runs")
    op.execute("DELETE FROM status_transition WHERE entity = 'run'")
