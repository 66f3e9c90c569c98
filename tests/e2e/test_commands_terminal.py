"""What a person sees who runs the commands on a terminal."""

import contextlib
import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios

import pytest

from tests.news import item, page, prose, rss
from tests.site import Answer

PAUSE_S = "0.3"  # between requests: long enough for bars to be drawn


def on_terminal(command, *args, stdout=None, **env):
    """Exit code, and what a terminal of 120 columns received; `stdout` leads elsewhere if given."""
    main, side = pty.openpty()
    fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", "ingest", *args],
        cwd=command.folder, env=command.env | {"TERM": "xterm", "INGEST_HOSTS_GAP_S": PAUSE_S} | env,
        stdin=side, stdout=side if stdout is None else stdout, stderr=side,
    )  # fmt: skip
    os.close(side)
    received = b""
    with contextlib.suppress(OSError):  # Linux answers EIO when the last writer has gone
        while part := os.read(main, 65536):
            received += part
    os.close(main)
    return process.wait(timeout=30), received.decode()


def plain(text):
    """The text without colours and cursor movements, each drawing on lines of its own."""
    return re.sub(r"\x1b\[[?\d;]*[a-zA-Z]", "", text).replace("\r", "\n")


@pytest.fixture
def slow_site(lite, site):
    """Two good feeds with three pages and a missing one."""
    base = site.url("").rstrip("/")
    site.page("/one.xml", rss(base, [item(base, 1), item(base, 2)], head='<atom:link rel="prev-archive" href="/old"/>'))
    site.page("/two.xml", rss(base, [item(base, 3)]))
    old = rss(base, [item(base, 4)], head="<fh:archive/>").encode()
    site.raw("/old", 0.6, f"HTTP/1.1 200 OK\r\nContent-Length: {len(old)}\r\n\r\n".encode(), old)
    for n in range(1, 5):
        site.page(f"/a/{n}", page(f"story {n}"))
    lite.feeds(*(site.url(path) for path in ("/one.xml", "/missing.xml", "/two.xml")))
    return site


def test_a_pass_shows_bars_with_feeds_articles_and_rate_then_the_tally(lite, slow_site):
    code, received = on_terminal(lite, "run", "--once")
    seen = plain(received)
    assert code == 3
    assert re.search(r"^feeds +[━╸╺]+ [0-3]/3 \d+\.\d/s", seen, re.MULTILINE)
    assert re.search(r"^articles +[━╸╺]+ [0-3]/3 +\d+\.\d/s", seen, re.MULTILINE)
    assert re.search(r" \d+\.\d/s, \d:\d\d:\d\d left", seen)
    assert seen.rstrip().splitlines()[-1] == (
        "feeds 2 ok, 0 not modified, 1 failed · entries 3 new, 0 changed · articles 3 stored, 0 known"
    )
    # What failed is told above the bars, in words; what went well is not.
    assert re.search(
        r"^20\S+Z warning feed_polled feed_id=2 url=\S+/missing\.xml outcome=http_error status=404", seen, re.MULTILINE
    )
    assert "article_ingested" not in seen
    assert '{"' not in seen


def test_a_backfill_shows_bars_and_its_result_goes_where_stdout_leads(lite, slow_site):
    with (lite.folder / "out").open("w+") as file:
        code, received = on_terminal(lite, "backfill", slow_site.url("/one.xml"), stdout=file, INGEST_FULL_TEXT="no")
        file.seek(0)
        lines = file.read().splitlines()
    assert code == 0
    assert re.search(r"^pages +[━╸╺]+ [1-2]/", plain(received), re.MULTILINE)
    assert re.search(r"^articles +[━╸╺]+ \d/", plain(received), re.MULTILINE)
    assert lines[-1] == "feeds 1 ok, 0 failed · pages 2 · entries 3 new · articles 3 stored, 0 known"
    assert len(lines) == 2


def test_json_on_a_terminal_is_nothing_but_json_whatever_is_logged(lite, site):
    """A feed list that is read with a warning is logged as text beside it."""
    import json

    (lite.folder / "list.opml").write_text('<opml><body><outline xmlUrl="nonsense"/></body></opml>')
    site.serve("/", lambda _: Answer(rss("http://a.example", [item("http://a.example", 1, text=prose(1))]).encode()))
    with (lite.folder / "out").open("w+") as file:
        code, received = on_terminal(lite, "feeds", "discover", site.url("/"), "--json", "--feeds", "list.opml", stdout=file)
        file.seek(0)
        assert [one["url"] for one in json.load(file)] == [site.url("/")]
    assert (code, "warning feed_list_odd place=list.opml" in received) == (0, True)


def test_a_list_on_a_terminal_is_a_table_that_fits(lite):
    lite.feeds("http://a.example/" + "long/" * 60)
    code, received = on_terminal(lite, "feeds", "list")
    lines = plain(received).replace("\n\n", "\n").splitlines()
    assert code == 0
    assert lines[0].split()[:2] == ["id", "url"]
    assert set(lines[1].strip()) == {"─"}
    assert "http://a.example/long/" in lines[2]
    assert "…" in lines[2]
    assert max(map(len, lines)) <= 120
