"""Flows of Prefect, each thin over a verb of the lifecycle; only here is Prefect imported."""
