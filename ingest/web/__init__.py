"""What `ingest run` serves over HTTP: health for orchestrators, metrics for Prometheus."""

from ingest.web.app import create_app
from ingest.web.health import Health
from ingest.web.server import serve

__all__ = ["Health", "create_app", "serve"]
