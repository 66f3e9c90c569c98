"""What one update costs the library `reader`: python reader_poll.py DATABASE add|update [WORKERS] <URLS

`add` adds the feeds that stdin lists; `update` updates all there are, with so many threads (default: reader's own), and prints
CPU seconds, wall seconds and the number of entries as JSON. What reader imports when it first needs it is loaded before, by the
update of the first of those feeds in a database of its own. Runs in an environment of its own (poll.txt beside it).
"""

import json
import resource
import sys
import time

from reader import make_reader


def update(database: str, first_url: str, workers: int) -> None:
    warm = make_reader(":memory:")
    warm.add_feed(first_url)
    warm.update_feeds()
    warm.close()
    reader = make_reader(database)
    cpu_s, wall_s = time.process_time(), time.perf_counter()
    reader.update_feeds(scheduled=False, workers=workers)
    cpu_s, wall_s = time.process_time() - cpu_s, time.perf_counter() - wall_s
    entries, failed = reader.get_entry_counts().total, reader.get_feed_counts(broken=True).total
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    print(json.dumps({"cpu_s": cpu_s, "wall_s": wall_s, "peak_mb": peak_mb, "entries": entries, "failed": failed}))
    reader.close()


def main(database: str, verb: str, workers: str = "1") -> None:
    urls = sys.stdin.read().split()
    if verb == "update":
        update(database, urls[0], int(workers))
        return
    reader = make_reader(database)
    for url in urls:
        reader.add_feed(url)
    reader.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
