"""The edge that asks the web: one guarded, bounded, polite HTTP exchange at a time.

client   HttpFetcher: the walk of one exchange, redirects followed by hand
  ├── gate       a host's turn: so many at once, so far apart
  ├── ask        what is sent, and to whom its secrets go
  ├── transport  the transport of httpx: judged connections, kept for the next request, through proxies
  │     ├── guard    which addresses may be connected to at all
  │     ├── network  names to addresses, addresses to connections
  │     └── http1    one connection that speaks HTTP/1.1
  ├── body       a body within its bounds, decoded
  └── faults     what went wrong, as FetchError
"""

from ingest.fetch.client import HttpFetcher
from ingest.fetch.gate import HostGate

__all__ = ["HostGate", "HttpFetcher"]
