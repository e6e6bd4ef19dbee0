"""The commands `up` and `reap`, which stay until they are interrupted."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Annotated, Any

import typer
from rich.console import Console

from twinpipe.cli_options import Json
from twinpipe.settings import load_settings


def register(app: typer.Typer, emit: Callable[[Any], None]) -> None:
    """Add the commands to `twinpipe`."""
    console = Console(highlight=False, soft_wrap=True)

    @app.command("up")
    def up(
        host: Annotated[
            str, typer.Option(help="Address to listen on; others than 127.0.0.1 need a login.")
        ] = "127.0.0.1",
        port: Annotated[
            int, typer.Option(min=1024, max=65_500, help="Port of Prefect's pages; another when it is taken.")
        ] = 4200,
        as_json: Json = False,
    ) -> None:
        """Database, Prefect with its pages, worker, schedules and Dask, until Ctrl-C."""
        from twinpipe.up import everything

        def say(sentence: str) -> None:
            if not as_json:
                console.print(f"{time.strftime('%H:%M:%S')} {sentence}", markup=False)

        say("starting, which takes half a minute")
        with everything(load_settings(), host, port, say) as all_of_it:
            if as_json:
                emit({"links": all_of_it.page, "prefect": all_of_it.url})
            else:
                console.print(f"\n  everything is up: {all_of_it.page}\n", markup=False)
                console.print(f"  Prefect: {all_of_it.url}\n  Ctrl-C ends all of it\n", markup=False)
            try:
                all_of_it.watch(say)
            except KeyboardInterrupt:
                say("stopping")
        say("all is down")

    @app.command("reap")
    def reap(
        every: Annotated[float, typer.Option(min=0.5, max=3600, help="Seconds between two looks.")] = 5.0,
        once: Annotated[bool, typer.Option("--once", help="Look once, and end.")] = False,
        as_json: Json = False,
    ) -> None:
        """End runs whose process is gone, for as long as this lives; `up` does so itself."""
        from twinpipe.db import ledger
        from twinpipe.errors import DatabaseUnavailable
        from twinpipe.workplace import open_workplace

        with open_workplace(reap=False) as w:
            while True:
                try:
                    ended = ledger.reap(w.engine)
                except DatabaseUnavailable as error:
                    if once:
                        raise
                    console.print(f"{error}", markup=False)
                    ended = []
                if as_json and (once or ended):
                    emit({"reaped": ended})
                elif ended:
                    console.print(f"ended runs {', '.join(map(str, ended))}", markup=False)
                if once:
                    return
                time.sleep(every)
