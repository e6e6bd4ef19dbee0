"""Settings: environment variables with the prefix TWINPIPE_, every one optional."""

from __future__ import annotations

import re
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from platformdirs import user_data_path
from pydantic import ByteSize, Field, FilePath, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from twinpipe.errors import InvalidInput
from twinpipe.place import Place, place

BUCKET = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9!_.*'()/-]+)?/?")


class Settings(BaseSettings):
    """Where things are and how large they may grow."""

    model_config = SettingsConfigDict(env_prefix="TWINPIPE_", env_ignore_empty=True, frozen=True)

    home: Path = Field(
        default_factory=lambda: user_data_path("twinpipe"),
        description="Folder of the embedded database, the stores, imported bodies and reports.",
    )
    database_url: SecretStr | None = Field(
        None, description="Postgres to use (postgresql://..., version 15 or newer); the embedded one when not set."
    )
    store_url: str | None = Field(
        None, description="Folder, or s3://bucket/prefix, of the Zarr stores; HOME/stores when not set."
    )
    dask_scheduler: str | None = Field(
        None, description="Address of an existing Dask scheduler; a local cluster when not set."
    )
    dask_tls_ca: FilePath | None = Field(
        None, description="Certificate of the authority of a tls:// scheduler; tcp:// is for this machine only."
    )
    dask_tls_cert: FilePath | None = Field(None, description="Certificate of this client.")
    dask_tls_key: FilePath | None = Field(None, description="Key of this client.")
    workers: Annotated[int, Field(ge=0, le=1024)] = Field(
        0, description="Worker threads of the local cluster; 0 means one per core."
    )
    memory_limit: ByteSize | None = Field(
        None, description="Memory of a worker, such as 4GB; what would take more is refused before it is begun."
    )
    report_url: str | None = Field(
        None, description="Where HOME/reports is served, for links in Prefect; `twinpipe up` serves and sets it."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = Field(
        "WARNING", description="Level of the logger 'twinpipe'."
    )
    retention_results: Annotated[int, Field(ge=1, le=36_525)] = Field(
        730, description="Days that results are kept, from when they were inserted."
    )
    retention_runs: Annotated[int, Field(ge=1, le=36_525)] = Field(
        365, description="Days that runs are kept after they ended; no longer than results."
    )
    retention_twins: Annotated[int, Field(ge=0, le=36_525)] = Field(
        90, description="Days that twins are kept after they expired."
    )
    twin_ttl: Annotated[int, Field(ge=0, le=36_525)] = Field(
        30, description="Days until a new twin expires; 0 means never."
    )

    @field_validator("home")
    @classmethod
    def _home_is_absolute(cls, value: Path) -> Path:
        return value.absolute()  # rows name places in it, whatever folder a later command is called from

    @field_validator("retention_runs")
    @classmethod
    def _results_outlive_runs(cls, value: int, others: ValidationInfo) -> int:
        results = others.data.get("retention_results", value)
        if value > results:  # a run without its result looks as if that were lost
            raise ValueError(f"it is at most TWINPIPE_RETENTION_RESULTS, which is {results}")
        return value

    @field_validator("log_level", mode="before")
    @classmethod
    def _any_case(cls, value: Any) -> Any:
        return value.upper() if isinstance(value, str) else value

    @field_validator("store_url")
    @classmethod
    def _store_is_a_place(cls, value: str | None) -> str | None:
        path = (value or "").removeprefix("file://")
        if "://" not in path:
            return str(Path(path).absolute()) if path else None
        if not BUCKET.fullmatch(path):
            raise ValueError("it is a folder, file:// and a folder, or s3:// and a bucket, with a prefix or without")
        return path.rstrip("/")

    @cached_property
    def store_path(self) -> Place:
        """The place that holds one Zarr store per twin."""
        return place(self.store_url) if self.store_url else self.home / "stores"


def load_settings() -> Settings:
    """Settings from the environment.

    Raises InvalidInput naming the variable that has a value which is not allowed.
    """
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = "TWINPIPE_" + "_".join(str(part) for part in first["loc"]).upper()
        message = first["msg"].removeprefix("Value error, ")
        raise InvalidInput(name, first.get("input"), message[:1].lower() + message[1:]) from None
