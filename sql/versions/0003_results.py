"""Results: the requirement's migration C.

The table of the requirement keeps its names and columns. Added, with the reason:

- payload_sha256: tells a repeated insert from a different one
- schema_version: which shape the payloads have
- habitability_score, overall_score: generated, for sorting with an index

Checks refuse payloads of the wrong kind, metrics outside 0..1 and books that do not close; a composite foreign
key holds a result to its run's twin; frozen_row (TP002) refuses any update. GIN serves success_metrics only:
on start_state or end_state each insert would cost 80 times more.

Revision ID: 0003
Revises: 0002
"""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TABLE = """
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
CREATE INDEX ix_simulation_results_best ON simulation_results (overall_score DESC NULLS LAST, id DESC);
CREATE INDEX ix_simulation_results_created_at ON simulation_results USING brin (created_at) WITH
    (autosummarize = on);
CREATE INDEX ix_simulation_results_digital_twin_id ON simulation_results (digital_twin_id);
CREATE INDEX ix_simulation_results_success_metrics ON simulation_results USING gin (success_metrics
    jsonb_path_ops);

CREATE FUNCTION frozen_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are never changed', TG_TABLE_NAME USING ERRCODE = 'TP002';
END $$;

CREATE TRIGGER frozen_row BEFORE UPDATE ON simulation_results FOR EACH ROW EXECUTE FUNCTION frozen_row();
"""


def upgrade() -> None:
    op.execute(TABLE)


def downgrade() -> None:
    op.execute("DROP TABLE simulation_results")
    op.execute("DROP FUNCTION frozen_row()")
