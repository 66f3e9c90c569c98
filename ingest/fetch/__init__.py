"""The edge that asks the web: one guarded, bounded, polite HTTP exchange at a time.

client   HttpFetcher: the walk of one exchange, redirects followed by hand
  ├── gate      a host's turn: so many at once, so far apart
  ├── ask       what is sent, and to whom its secrets go
  ├── network   names to addresses to connections; the httpx transport
  │     └── guard   which addresses may be connected to at all
  ├── body      a body within its bounds, decoded
  └── faults    what went wrong, as FetchError
"""

from ingest.fetch.client import HttpFetcher
from ingest.fetch.gate import HostGate

__all__ = ["HostGate", "HttpFetcher"]
