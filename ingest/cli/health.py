"""`ingest healthcheck`: for container images without curl."""

import typer

from ingest.cli.ending import UNEXPECTED, complain
from ingest.cli.options import Given, load_settings, spread


@spread
def healthcheck(context: typer.Context, *, given: Given) -> None:
    """Ask the daemon on this machine whether it is healthy; exit code 0 when it is, 1 when not."""
    from http.client import HTTPConnection, HTTPException

    policy = load_settings(context, given).policies.http
    if not policy.is_enabled:
        complain("nothing to ask: http.is_enabled is false")
        raise typer.Exit(UNEXPECTED)
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(policy.host, policy.host)  # noqa: S104  compared, not bound
    connection = HTTPConnection(host, policy.port, timeout=5)
    try:
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        said = answer.read(1000).decode("utf-8", "replace")
    except (OSError, HTTPException) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or error
        complain(f"no answer at {host}:{policy.port}: {reason} (is `ingest run` running?)")
        raise typer.Exit(UNEXPECTED) from None
    finally:
        connection.close()
    typer.echo(said)
    if answer.status != 200:  # noqa: PLR2004
        raise typer.Exit(UNEXPECTED)
