"""`ingest extract`: the article of a page from a file, from stdin and from an address, explained, and of many pages at once."""

import gzip
import json
import re
import signal
import subprocess
import sys

import psutil
import pytest

from tests.e2e.conftest import end, until
from tests.e2e.test_commands_terminal import on_terminal, plain
from tests.news import prose
from tests.site import Answer

FIRST, SECOND = prose("first", 60), prose("second", 60)
ARTICLE = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Ferry returns – The Example</title>'
    '<meta property="og:title" content="Ferry returns"><meta name="author" content="Ada Quill">'
    '<meta property="article:published_time" content="2026-11-20T08:30:00Z"></head><body>'
    "<nav><ul><li><a href=/a>Harbour</a></li><li><a href=/b>Market</a></li></ul></nav>"
    f'<article><h1>Ferry returns</h1><p>{FIRST}</p><p>{SECOND} <a href="/more">More</a></p></article>'
    '<div class="comments"><p>First!</p></div><footer>The Example</footer></body></html>'
)


def write(command, text, name="page.html"):
    path = command.folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return name


def facts(said):
    """The head of what was told, by label."""
    head = said.split("\n\n")[0]
    return {line[:14].strip(): line[14:] for line in head.splitlines()}


@pytest.fixture
def page(lite):
    return write(lite, ARTICLE)


# ── one page ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_page_is_told_as_facts_and_text(lite, page):
    done = lite("extract", page, "--extractor", "readability")
    told = facts(done.stdout)
    assert told["document"] == f"page.html, {len(ARTICLE.encode()):,} bytes"
    assert told["title"].startswith("Ferry returns")
    assert told["authors"].startswith("Ada Quill")
    assert told["published"].startswith("2026-11-20 08:30:00")
    assert (told["language"], told["words"]) == ("en", "123")
    assert told["extractor"].startswith("readability (version ")
    assert done.stdout.split("\n\n", 1)[1] == f"Ferry returns\n\n{FIRST}\n\n{SECOND} More\n"
    assert done.stderr == ""
    assert [path.name for path in lite.folder.iterdir()] == ["page.html"]


def test_the_learned_extractor_chooses_unless_told_otherwise(lite, page):
    done = lite("extract", page)
    assert facts(done.stdout)["extractor"].startswith("blocks")
    assert FIRST in done.stdout
    assert "First!" not in done.stdout


def test_markup_is_the_article_alone_with_its_links_led_back(lite, page):
    done = lite("extract", page, "--html", "--url", "https://a.example/1")
    assert done.stdout.startswith("<")
    assert f"<p>{FIRST}</p>" in done.stdout
    assert '<a href="https://a.example/more"' in done.stdout
    assert "<nav" not in done.stdout


def test_json_holds_everything_that_was_extracted(lite, page):
    read = lite.json("extract", page, "--url", "https://a.example/1")
    assert (read["url"], read["document"]) == ("https://a.example/1", {"name": page, "bytes": len(ARTICLE.encode())})
    assert (read["title"], read["authors"], read["published_at"]) == (
        "Ferry returns", ["Ada Quill"], "2026-11-20T08:30:00+00:00",
    )  # fmt: skip
    assert FIRST in read["text"]
    assert f"<p>{FIRST}</p>" in read["html"]
    assert read["words"] > 100
    assert read["extractor_version"]
    assert "explained" not in read


def test_stdin_is_read_and_no_database_is_touched(lite):
    done = subprocess.run(
        [sys.executable, "-m", "ingest", "extract", "-", "--html"],
        cwd=lite.folder, env=lite.env, input=ARTICLE.encode(), capture_output=True, check=True,
    )  # fmt: skip
    assert FIRST.encode() in done.stdout
    assert done.stderr == b""
    assert list(lite.folder.iterdir()) == []


def test_an_address_is_asked_and_where_it_led_is_told(lite, site):
    site.page("/old", status=301, headers={"Location": "/a/1"})
    site.page("/a/1", ARTICLE, headers={"Content-Type": "text/html"})
    read = lite.json("extract", site.url("/old"))
    assert read["url"] == read["document"]["final_url"] == site.url("/a/1")
    assert (read["document"]["status"], read["document"]["media_type"]) == (200, "text/html")
    assert f'href="{site.url("/more")}"' in read["html"]
    assert [seen.path for seen in site.requests] == ["/old", "/a/1"]


def test_marks_of_a_terminal_change_nothing_on_it(lite):
    name = write(lite, ARTICLE.replace("Harbour", "a&#x9b;31mb").replace(FIRST, f"{FIRST} x&#x1b;[31my&#x202e;z&#x85;é"))
    for option in ("--json", "--html", "--explain", "--extractor=readability"):
        said = lite("extract", name, option).stdout
        assert all(char.isprintable() or char == "\n" for char in said), option


# ── explained ───────────────────────────────────────────────────────────────────────────────────────────────────────────

BLOCKS = [
    ("li", "Harbour"), ("li", "Market"), ("h1", "Ferry returns"), ("p", FIRST), ("p", f"{SECOND} More"), ("p", "First!"),
    ("footer", "The Example"),
]  # fmt: skip


def test_each_block_is_told_with_its_verdict_and_what_decided_it(lite, page):
    said = lite("extract", page, "--explain").stdout
    head, *blocks = said.rstrip("\n").split("\n\n")
    assert re.search(r"^blocks +7, [23] taken$", head, re.MULTILINE)
    assert re.search(r"^chosen by +blocks", head, re.MULTILINE)
    assert re.search(r"^because +(sure|unsure|few characters): ", head, re.MULTILINE)
    assert len(blocks) == len(BLOCKS)
    for number, (block, (tag, text)) in enumerate(zip(blocks, BLOCKS, strict=True)):
        first, *why = block.splitlines()
        verdict = "taken" if text.startswith((FIRST, SECOND)) else "(taken|left )"
        assert re.match(rf" +{number} {verdict} +\d+% <{tag}> {re.escape(text[:40])}", first), first
        assert re.search(r"[+-]\d|±0", why[0])
        assert "without these " in " ".join(why)
    assert max(map(len, said.splitlines())) <= 120
    assert "\x1b" not in said


def test_what_readability_kept_is_told_where_it_chooses(lite, page):
    said = lite("extract", page, "--explain", "--extractor", "readability").stdout
    assert "because       the classifier is off\n" in said
    assert re.search(r"^ +3 taken +<p> .*\n      kept by readability$", said, re.MULTILINE)
    assert re.search(r"^ +0 left +<li> Harbour\n      dropped by readability$", said, re.MULTILINE)


def test_json_explains_too(lite, page):
    found = lite.json("extract", page, "--explain")
    assert FIRST in found["text"]
    verdicts = found["explained"]["verdicts"]
    assert [(one["tag"], one["text"]) for one in verdicts] == BLOCKS
    assert verdicts[3]["is_taken"]
    assert verdicts[3]["likely"] > 0.5
    assert set(verdicts[3]["reasons"][0]) == {"feature", "value", "said", "change"}


def test_on_a_terminal_an_explanation_is_coloured_and_fits(lite, page):
    code, received = on_terminal(lite, "extract", page, "--explain")
    assert code == 0
    assert "\x1b[32m" in received
    assert max(map(len, plain(received).splitlines())) <= 120
    _, received = on_terminal(lite, "extract", page, "--explain", NO_COLOR="1")
    assert "\x1b" not in received


def test_json_on_a_terminal_is_nothing_but_json(lite, page):
    code, received = on_terminal(lite, "extract", page, "--json", "--explain")
    assert (code, json.loads(received)["title"]) == (0, "Ferry returns")


# ── no page, no article ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "an empty page"),
        (b" \n", "an empty page"),
        (b"%PDF-1.7 \xe2\xe3", "a PDF document"),
        (bytes(range(32)) * 9, "binary data"),
        (b'{"a": 1}', "a JSON document"),
        (b"<html><body><script>x</script></body></html>", "no text in the page"),
    ],
    ids=["nothing", "blank", "PDF", "binary", "JSON", "script"],
)
@pytest.mark.parametrize("option", ["--json", "--html", "--extractor=readability"])
def test_what_is_no_article_is_one_line(lite, body, reason, option):
    name = write(lite, body)
    done = lite("extract", name, option, code=3)
    assert (done.stdout, done.stderr) == ("", f"ingest: page.html: {reason}\n")


def test_why_there_is_no_article_is_explained_as_far_as_there_are_blocks(lite):
    done = lite("extract", write(lite, b"<html><body><script>x</script></body></html>"), "--explain", code=3)
    assert "blocks        0, 0 taken\n" in done.stdout
    assert done.stderr == "ingest: page.html: no text in the page\n"
    assert lite("extract", write(lite, b"%PDF-1.7"), "--explain", code=3).stdout == ""


def test_a_file_that_cannot_be_had_is_one_line(lite):
    (lite.folder / "folder").mkdir()
    for name, reason in (("missing.html", "No such file or directory"), ("folder", "Is a directory")):
        done = lite("extract", name, code=2)
        assert (done.stdout, done.stderr) == ("", f"ingest: {name}: {reason}\n")


def test_a_file_larger_than_a_page_may_be_is_not_read_to_its_end(lite):
    done = lite("extract", "/dev/zero", code=3, INGEST_FETCH_MAX_PAGE_BYTES="10000")
    assert done.stderr == "ingest: /dev/zero: larger than 10,000 bytes (fetch.max_page_bytes)\n"


def test_an_address_that_fails_or_points_inward_says_why(lite, site):
    site.serve("/big", lambda _: Answer(b" " * 20_000))
    for path, reason in (("/missing", "404 Not Found"), ("/big", "larger than 10000 bytes")):
        done = lite("extract", site.url(path), "--json", code=3, INGEST_FETCH_MAX_PAGE_BYTES="10000")
        assert done.stdout == ""
        assert done.stderr.startswith(f"ingest: {site.url(path)}: ")
        assert reason in done.stderr
    site.forget()
    done = lite("extract", site.url("/big"), code=3, INGEST_FETCH_ALLOW="")
    assert (done.stdout, done.stderr.count("\n"), "127.0.0.1" in done.stderr) == ("", 1, True)
    assert site.requests == []


@pytest.mark.parametrize(
    ("args", "line"),
    [
        ([], "invalid value for 'FILE|URL|-': name a page, or many with --batch IN OUT"),
        (["page.html", "--extractor", "magic"], "invalid value for '--extractor': 'magic' is not one of 'blocks', 'readability'"),
        (["http://a.example/", "--url", "http://a.example/"], "invalid value for '--url': goes with a file"),
        (["ftp://a.example/"], "invalid value for 'FILE|URL|-': 'ftp://a.example/' is no address that begins with http"),
        (["page.html", "--html", "--json"], "invalid value for '--html': does not go with --json"),
        (["page.html", "--html", "--explain"], "invalid value for '--html': does not go with --explain"),
        (["page.html", "--batch", "in", "out"], "invalid value for 'FILE|URL|-': does not go with --batch"),
        (["--batch", "in", "out", "--json"], "invalid value for '--json': does not go with --batch"),
        (["--batch", "in"], "option '--batch' requires 2 arguments"),
    ],
    ids=[
        "nothing",
        "extractor",
        "two addresses",
        "scheme",
        "html and json",
        "html and explain",
        "both",
        "batch json",
        "batch of one",
    ],
)
def test_a_mistake_on_the_command_line_is_one_line(lite, args, line):
    done = lite("extract", *args, code=2)
    assert done.stderr.startswith(f"ingest: {line}")
    assert (done.stdout, done.stderr.count("\n")) == ("", 1)


HEAVY = (
    f"<div {' '.join(f'a{n}=x' for n in range(60_000))}><p>words</p></div>"  # seconds of work: the parser compares all with all
)


def test_a_page_that_takes_too_long_costs_its_worker_only(lite):
    done = lite("extract", write(lite, HEAVY), code=3, INGEST_EXTRACT_TIMEOUT_S="1")
    assert done.stderr == "ingest: page.html: took longer than 1 s, its worker was ended\n"


# ── many pages ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def batch(command, *lines, code=0, **env):
    """What came of these lines: the command's last words, and the lines that it wrote."""
    write(command, "".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines), "in.ndjson")
    done = command("extract", "--batch", "in.ndjson", "out.ndjson", code=code, **env)
    return done, [json.loads(line) for line in (command.folder / "out.ndjson").read_text("utf-8").splitlines()]


def test_a_batch_keeps_order_and_ids_and_reads_pages_from_lines_and_files(lite):
    write(lite, ARTICLE, "pages/2.html")
    write(lite, gzip.compress(ARTICLE.replace("Ferry", "Boat").encode()), "pages/3.html.gz")
    url = "https://a.example/"
    done, found = batch(
        lite,
        {"id": "one", "url": f"{url}1", "html": ARTICLE},
        {"id": 2, "url": f"{url}2", "path": "pages/2.html"},
        "",
        {"url": f"{url}3", "path": "pages/3.html.gz", "content_type": "text/html; charset=utf-8"},
    )
    assert (done.stdout, done.stderr) == ("pages 3 ok, 0 failed\n", "")
    assert [(one["id"], one["url"][-1], one["title"]) for one in found] == [
        ("one", "1", "Ferry returns"), (2, "2", "Ferry returns"), (None, "3", "Boat returns"),
    ]  # fmt: skip
    assert all(FIRST in one["text"] and f"<p>{FIRST}</p>" in one["html"] for one in found)
    single = lite.json("extract", "pages/2.html", "--url", f"{url}2")
    assert {**single, "id": 2} == {**found[1], "document": single["document"]}


def test_a_line_that_names_no_page_is_an_error_with_its_number(lite):
    url = "https://a.example/1"
    done, found = batch(
        lite,
        '{"id": 1, "url":',
        "[1]",
        {"id": "x", "html": ARTICLE},
        {"id": 3, "url": url},
        {"url": url, "html": "<p>", "path": "x"},
        {"url": "ftp://a.example/", "html": "<p>"},
        {"url": url, "html": 7},
        {"id": [1], "url": url, "html": "<p>"},
        {"id": True, "url": url, "html": "<p>"},
        {"id": "good", "url": url, "html": ARTICLE},
        code=3,
    )
    assert (done.stdout, done.stderr) == ("pages 1 ok, 9 failed\n", "")
    assert [one["error"]["reason"].split(": ", 1)[0] for one in found[:-1]] == [f"line {n}" for n in range(1, 10)]
    assert {one["error"]["outcome"] for one in found[:-1]} == {"parse_error"}
    assert found[0]["error"]["reason"].startswith("line 1: no JSON: ")
    assert [one["error"]["reason"].split(": ", 1)[1] for one in found[1:-1]] == [
        "not an object with url, and html or path",
        "url is missing",
        "one of html and path must be there",
        "one of html and path must be there",
        "url is no address that begins with http:// or https://",
        "html is no text",
        "id is no text and no whole number",
        "id is no text and no whole number",
    ]
    assert [(one["id"], one["url"]) for one in found[:4]] == [(None, None), (None, None), ("x", None), (3, url)]
    assert (found[-1]["id"], found[-1]["title"]) == ("good", "Ferry returns")


def test_a_page_without_an_article_is_an_error_with_its_outcome(lite):
    url = "https://a.example/1"
    write(lite, ARTICLE, "plain.gz")
    write(lite, gzip.compress(ARTICLE.encode())[:-40], "cut.gz")
    _, found = batch(
        lite,
        {"url": url, "html": ""},
        {"url": url, "html": "%PDF-1.7"},
        {"url": url, "html": "<script>x</script>"},
        {"url": url, "path": "missing.html"},
        {"url": url, "path": "plain.gz"},
        {"url": url, "path": "cut.gz"},
        {"url": url, "path": "a\0b"},
        {"url": url, "html": "<p>word</p>" * 2_000},
        {"url": url, "html": "x" * 200_000},
        code=3,
        INGEST_FETCH_MAX_PAGE_BYTES="10000",
    )
    assert [one["error"]["outcome"] for one in found] == [
        "not_html", "not_html", "extract_error", "extract_error", "decode_error", "decode_error", "extract_error", "too_large",
        "parse_error",
    ]  # fmt: skip
    reasons = [one["error"]["reason"] for one in found]
    assert reasons[:4] == ["an empty page", "a PDF document", "no text in the page", "missing.html: No such file or directory"]
    assert reasons[6].startswith("a\0b: ")
    assert reasons[7:] == [
        "larger than 10,000 bytes (fetch.max_page_bytes)",
        "line 9: longer than a page may be (fetch.max_page_bytes)",
    ]


def test_a_page_that_kills_its_worker_costs_itself_only(lite):
    good = {"url": "https://a.example/1", "html": ARTICLE}
    heavy = {"id": "heavy", "url": "https://a.example/2", "html": HEAVY}
    done, found = batch(lite, good, heavy, *[good] * 40, code=3, INGEST_EXTRACT_TIMEOUT_S="3", INGEST_WORKERS_PROCESSES="2")
    assert done.stdout == "pages 41 ok, 1 failed\n"
    assert found[1] == {
        "id": "heavy",
        "url": "https://a.example/2",
        "error": {"outcome": "extract_killed", "reason": "took longer than 3 s, its worker was ended"},
    }
    assert {one.get("title") for one in found if one is not found[1]} == {"Ferry returns"}


def test_what_cannot_be_read_or_written_is_one_line_and_no_work(lite):
    write(lite, "", "in.ndjson")
    for args, line in (
        (("missing.ndjson", "out.ndjson"), "missing.ndjson: No such file or directory"),
        ((".", "out.ndjson"), ".: Is a directory"),
        (("in.ndjson", "nowhere/out.ndjson"), "cannot write nowhere/out.ndjson: No such file or directory"),
    ):
        done = lite("extract", "--batch", *args, code=2)
        assert (done.stdout, done.stderr) == ("", f"ingest: {line}\n")
    assert [path.name for path in lite.folder.iterdir()] == ["in.ndjson"]
    assert lite("extract", "--batch", "in.ndjson", "out.ndjson").stdout == "pages 0 ok, 0 failed\n"
    assert (lite.folder / "out.ndjson").read_text() == ""


def test_a_batch_goes_through_pipes_and_its_last_words_beside_them(lite):
    line = json.dumps({"id": 1, "url": "https://a.example/1", "html": ARTICLE})
    done = subprocess.run(
        [sys.executable, "-m", "ingest", "extract", "--batch", "-", "-"],
        cwd=lite.folder, env=lite.env, input=f"{line}\n{line}", capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert [json.loads(one)["title"] for one in done.stdout.splitlines()] == ["Ferry returns"] * 2
    assert done.stderr == "pages 2 ok, 0 failed\n"


def test_a_batch_on_a_terminal_shows_a_bar(lite):
    good = json.dumps({"url": "https://a.example/1", "html": ARTICLE})
    write(lite, f"{good}\n" * 60, "in.ndjson")
    code, received = on_terminal(lite, "extract", "--batch", "in.ndjson", "out.ndjson")
    assert code == 0
    assert re.search(r"^pages +[━╸╺]+ +\d+/60", plain(received), re.MULTILINE)
    assert plain(received).rstrip().splitlines()[-1] == "pages 60 ok, 0 failed"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_batch_that_is_ended_leaves_nothing_behind(lite, number):
    line = json.dumps({"url": "https://a.example/1", "html": HEAVY})
    write(lite, f"{line}\n" * 20, "in.ndjson")
    write(lite, "as it was", "out.ndjson")
    process = lite.start("extract", "--batch", "in.ndjson", "out.ndjson")
    until(lambda: len(psutil.Process(process.pid).children(recursive=True)) > 2)  # workers, beside what starts them
    code, out, err = end(process, number)
    assert (code, out, err) == (128 + number, "", "ingest: ended after 0 pages, out.ndjson was not written\n")
    assert {path.name for path in lite.folder.iterdir()} == {"in.ndjson", "out.ndjson"}
    assert (lite.folder / "out.ndjson").read_text() == "as it was"
