"""A Dask cluster of Slurm jobs for twinpipe, for as long as this script runs; needs `pip install dask-jobqueue`.

    python deploy/slurm/cluster.py CERTIFICATES JOBS

prints the address for TWINPIPE_DASK_SCHEDULER.  The stores must be in a folder or bucket that all nodes see, and the
certificates (`deploy/certificates.py`) name the node on which this runs.  One process a job with as many threads as
the job has cores: the kernel releases the GIL, and nothing has to be sent.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import dask
from dask_jobqueue import SLURMCluster
from distributed import Security

CORES, MEMORY, HOURS = 16, "32GB", 12


def main(folder: Path, jobs: int) -> None:
    """Ask for jobs, and keep them until interrupted."""
    # blocks stay beside their states, and a segment survives ten workers
    dask.config.set({"distributed.scheduler.work-stealing": False, "distributed.scheduler.allowed-failures": 10})
    pem = {name: str(folder / f"{name}.pem") for name in ("ca", "cert", "key")}
    security = Security(  # type: ignore[no-untyped-call]  # of Dask
        require_encryption=True,
        tls_ca_file=pem["ca"],
        **{f"tls_{who}_{what}": pem[what] for who in ("scheduler", "worker", "client") for what in ("cert", "key")},
    )
    with SLURMCluster(
        cores=CORES,
        processes=1,
        memory=MEMORY,
        walltime=f"{HOURS}:00:00",
        protocol="tls://",
        security=security,
        job_extra_directives=["--requeue"],  # a job that is lost costs the segment that it was in
        worker_extra_args=["--no-nanny", "--lifetime", f"{60 * HOURS - 10}m"],  # it leaves before it is ended
    ) as cluster:
        cluster.scale(jobs=jobs)
        print(f"TWINPIPE_DASK_SCHEDULER={cluster.scheduler_address}", flush=True)
        signal.pause()


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), int(sys.argv[2]))
