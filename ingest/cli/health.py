"""`ingest healthcheck`: for container images without curl."""

import typer

from ingest.cli.options import UNEXPECTED, ConfigOption, complain, load_settings


def healthcheck(context: typer.Context, config: ConfigOption = None) -> None:
    """Ask the daemon on this machine whether it is healthy; exit code 0 when it is, 1 when not."""
    from http.client import HTTPConnection, HTTPException

    policy = load_settings(context, config).policies.http
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(policy.host, policy.host)  # noqa: S104  compared, not bound
    connection = HTTPConnection(host, policy.port, timeout=5)
    try:
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        said = answer.read(1000).decode("utf-8", "replace")
    except (OSError, HTTPException) as error:
        complain(f"no answer at {host}:{policy.port}: {error}")
        raise typer.Exit(UNEXPECTED) from None
    finally:
        connection.close()
    typer.echo(said)
    if answer.status != 200:  # noqa: PLR2004
        raise typer.Exit(UNEXPECTED)
