"""What `ingest run` serves over HTTP: health for orchestrators, metrics for Prometheus, a callback for hubs."""

from ingest.web.app import create_app
from ingest.web.health import Health
from ingest.web.server import serve
from ingest.web.websub import Callback, Reply

__all__ = ["Callback", "Health", "Reply", "create_app", "serve"]
