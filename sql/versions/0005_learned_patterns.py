"""Learned patterns: the requirement's preview, made real.

Its columns are kept; a mission is the game's, so that source_mission_id points to no table here. Added:

- pattern_applications: each use of a pattern, by the key of its run, which it outlives; times_applied and
  success_rate are kept with it in one transaction
- times and lock_version, as elsewhere

Revision ID: 0005
Revises: 0004
"""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE learned_patterns (
    id bigint GENERATED ALWAYS AS IDENTITY,
    pattern_id text NOT NULL,
    source_mission_id bigint,
    created_by_id bigint,
    success_score double precision DEFAULT 0 NOT NULL,
    required_conditions jsonb NOT NULL,
    deployment_sequence jsonb NOT NULL,
    optimizations jsonb NOT NULL,
    times_applied integer DEFAULT 0 NOT NULL,
    success_rate double precision DEFAULT 0 NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    lock_version integer DEFAULT 1 NOT NULL,
    CONSTRAINT pk_learned_patterns PRIMARY KEY (id),
    CONSTRAINT ck_learned_patterns_pattern_id CHECK (length(btrim(pattern_id)) BETWEEN 1 AND 200),
    CONSTRAINT ck_learned_patterns_success_score CHECK (success_score BETWEEN 0 AND 1),
    CONSTRAINT ck_learned_patterns_success_rate CHECK (success_rate BETWEEN 0 AND 1),
    CONSTRAINT ck_learned_patterns_times_applied CHECK (times_applied >= 0),
    CONSTRAINT ck_learned_patterns_required_conditions CHECK (jsonb_typeof(required_conditions) =
        'object'),
    CONSTRAINT ck_learned_patterns_deployment_sequence CHECK (jsonb_typeof(deployment_sequence) =
        'array'),
    CONSTRAINT ck_learned_patterns_optimizations CHECK (jsonb_typeof(optimizations) = 'array'),
    CONSTRAINT uq_learned_patterns_pattern_id UNIQUE (pattern_id),
    CONSTRAINT fk_learned_patterns_created_by_id FOREIGN KEY (created_by_id) REFERENCES users (id) ON
        DELETE SET NULL
);
CREATE INDEX ix_learned_patterns_best ON learned_patterns (success_score DESC);
CREATE INDEX ix_learned_patterns_required_conditions ON learned_patterns USING gin (required_conditions
    jsonb_path_ops);

CREATE TABLE pattern_applications (
    id bigint GENERATED ALWAYS AS IDENTITY,
    learned_pattern_id bigint NOT NULL,
    simulation_run_id bigint,
    run_key uuid NOT NULL,
    succeeded boolean NOT NULL,
    score double precision NOT NULL,
    applied_at timestamptz DEFAULT now() NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_pattern_applications PRIMARY KEY (id),
    CONSTRAINT uq_pattern_applications_learned_pattern_id_run_key UNIQUE (learned_pattern_id, run_key),
    CONSTRAINT ck_pattern_applications_score CHECK (score BETWEEN 0 AND 1),
    CONSTRAINT fk_pattern_applications_learned_pattern_id FOREIGN KEY (learned_pattern_id) REFERENCES
        learned_patterns (id) ON DELETE RESTRICT,
    CONSTRAINT fk_pattern_applications_simulation_run_id FOREIGN KEY (simulation_run_id) REFERENCES
        simulation_runs (id) ON DELETE SET NULL
);
CREATE INDEX ix_pattern_applications_simulation_run_id ON pattern_applications (simulation_run_id);

CREATE TRIGGER touch_row BEFORE UPDATE ON learned_patterns FOR EACH ROW
    WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION touch_version();
"""


def upgrade() -> None:
    op.execute(TABLES)


def downgrade() -> None:
    op.execute("DROP TABLE pattern_applications")
    op.execute("DROP TABLE learned_patterns")
