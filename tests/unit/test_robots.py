"""What a robots.txt means for us, by the rules and examples of RFC 9309."""

import time
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.errors import PermanentFetchError, TransientFetchError
from ingest.model import RobotsFile, RobotsVerdict
from ingest.outcome import Outcome
from ingest.policy import USER_AGENT, RobotsPolicy
from ingest.robots import (
    MAX_BYTES,
    _ParsedFiles,
    crawl_delay_s,
    is_current,
    judge,
    product_token,
    read_answer,
    read_failure,
    robots_url,
)
from tests.unit.make import NOW, fetched

ORIGIN = "https://news.example"
POLICY = RobotsPolicy()
ALLOWED, DISALLOWED, NO_RULES, UNREACHABLE = (
    RobotsVerdict.ALLOWED,
    RobotsVerdict.DISALLOWED,
    RobotsVerdict.NO_RULES,
    RobotsVerdict.UNREACHABLE,
)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def read(body, **answer):
    return read_answer(ORIGIN, fetched(body=body if isinstance(body, bytes) else body.encode(), **answer), POLICY)


def verdict(body, path="/a/1", token="ingest"):
    return judge(read(body), ORIGIN + path, token)[0]


# ── RFC 9309 §5.1 and §5.2 ──────────────────────────────────────────────────────────────────────────────────────────────

SIMPLE = """
User-Agent: *
Disallow: *.gif$
Disallow: /example/
Allow: /publications/

User-Agent: foobot
Disallow:/
Allow:/example/page.html
Allow:/example/allowed.gif

User-Agent: barbot
User-Agent: bazbot
Disallow: /example/page.html

User-Agent: quxbot
"""


@pytest.mark.parametrize(
    ("token", "allowed", "disallowed"),
    [
        (
            "anybot",
            ["/", "/publications/", "/publications/x.gif.html", "/example"],
            ["/x.gif", "/a/b.gif", "/example/", "/example/page.html"],
        ),
        ("foobot", ["/example/page.html", "/example/allowed.gif"], ["/", "/x", "/publications/", "/example/other.html"]),
        ("barbot", ["/", "/x.gif", "/example/"], ["/example/page.html"]),
        ("bazbot", ["/", "/x.gif", "/example/"], ["/example/page.html"]),
        ("quxbot", ["/", "/x.gif", "/example/page.html"], []),
    ],
)
def test_the_simple_example_of_the_rfc(token, allowed, disallowed):
    assert [verdict(SIMPLE, path, token) for path in allowed] == [ALLOWED] * len(allowed)
    assert [verdict(SIMPLE, path, token) for path in disallowed] == [DISALLOWED] * len(disallowed)


def test_the_longest_match_wins():
    body = "User-Agent: foobot\nAllow: /example/page/\nDisallow: /example/page/disallowed.gif\n"
    assert verdict(body, "/example/page/disallowed.gif", "foobot") is DISALLOWED
    assert verdict(body, "/example/page/other.gif", "foobot") is ALLOWED


def test_between_equal_matches_leave_is_given():
    assert verdict("User-agent: *\nDisallow: /a/\nAllow: /a/\n") is ALLOWED


# ── whose rules they are ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["ingest", "INGEST", "Ingest/2.0", "Ingest/1.0 (a comment)", "ingest # us"])
def test_a_group_that_names_us_in_any_case_and_version_is_ours_alone(name):
    body = f"User-agent: *\nDisallow: /\n\nUser-agent: {name}\nDisallow: /b/\n"
    assert (verdict(body), verdict(body, "/b/1")) == (ALLOWED, DISALLOWED)


@pytest.mark.parametrize("name", ["in", "ingestion", "my-ingest", "ingest2", "*ingest*", "other ingest", "us", "~"])
def test_a_group_for_a_robot_with_a_similar_name_is_none_of_ours(name):
    assert verdict(f"User-agent: {name}\nDisallow: /\n") is NO_RULES


def test_groups_for_the_same_robot_are_one():
    body = "User-agent: ingest\nDisallow: /a/\n\nUser-agent: other\nDisallow: /\n\nUser-agent: ingest\nDisallow: /b/\n"
    assert [verdict(body, path) for path in ("/a/1", "/b/1", "/c/1")] == [DISALLOWED, DISALLOWED, ALLOWED]


def test_rules_of_others_and_rules_before_any_group_do_not_count():
    assert verdict("Disallow: /\n\nUser-agent: other\nDisallow: /\n\nUser-agent: ingest\nDisallow: /b/\n") is ALLOWED


def test_several_names_may_share_a_group_and_other_lines_do_not_part_them():
    body = "User-agent: other\nSitemap: https://news.example/sitemap.xml\n\nUser-agent: ingest\nDisallow: /a/\n"
    assert verdict(body) is DISALLOWED


@pytest.mark.parametrize(
    ("user_agent", "token"),
    [
        (USER_AGENT, "ingest"),
        ("NewsDesk/2.1 (+https://desk.example)", "newsdesk"),
        ("  Plain ", "plain"),
        ("news_bot-2", "news_bot-2"),
        ("Mozilla/5.0 (compatible; DeskBot/1.0; +https://desk.example)", "deskbot"),
        ("Mozilla/5.0 (X11; Linux x86_64)", "mozilla"),
        ("", ""),
        ("(only a comment)", ""),
    ],
)
def test_the_name_that_rules_call_us_by_is_the_first_of_the_user_agent(user_agent, token):
    assert product_token(user_agent) == token


def test_without_a_name_the_rules_for_everybody_hold():
    assert verdict("User-agent: *\nDisallow: /a/\n\nUser-agent:\nDisallow: /b/\n", token="") is DISALLOWED


# ── which addresses they cover ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("rule", "path"),
    [
        ("/foo/bar?baz=quz", "/foo/bar?baz=quz"),
        ("/foo/bar?baz=https:foo.bar", "/foo/bar?baz=https%3Afoo.bar"),
        ("/foo/bar/ツ", "/foo/bar/%E3%83%84"),
        ("/foo/bar/%E3%83%84", "/foo/bar/ツ"),
        ("/foo/bar/%62%61%7A", "/foo/bar/baz"),
        ("/*?print=", "/a/1?print=1"),
        ("/a/*/c$", "/a/b/c"),
        ("/file-with-a-%2A.html", "/file-with-a-*.html"),
        ("/$", "/"),
    ],
)
def test_spellings_of_one_address_are_one(rule, path):
    assert verdict(f"User-agent: *\nDisallow: {rule}\n", path) is DISALLOWED


@pytest.mark.parametrize(
    ("rule", "path"), [("/A/", "/a/1"), ("/a/*/c$", "/a/b/c/d"), ("/$", "/a"), ("/fish*.php", "/Fish.PHP"), ("", "/a")]
)
def test_other_addresses_are_not_covered(rule, path):
    assert verdict(f"User-agent: *\nDisallow: {rule}\n", path) is ALLOWED


def test_a_fragment_and_a_login_are_no_part_of_what_is_judged():
    file = read("User-agent: *\nDisallow: /*secret\n")
    assert judge(file, "https://me:secret@news.example/a#secret", "ingest")[0] is ALLOWED


def test_a_refusal_says_whose_and_of_what():
    assert (
        judge(read("User-agent: *\nDisallow: /"), ORIGIN + "/a/1", "ingest")[1] == "robots.txt of news.example forbids the page"
    )


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://News.example:443/a/1?b#c", "https://news.example/robots.txt"),
        ("http://me:pw@news.example:8080", "http://news.example:8080/robots.txt"),
        ("http://[2001:db8::1]/a", "http://[2001:db8::1]/robots.txt"),
        ("mailto:me@news.example", None),
    ],
)
def test_each_origin_has_a_file_of_its_own(url, expected):
    assert robots_url(url) == expected


# ── whatever stands there ───────────────────────────────────────────────────────────────────────────────────────────────

RULES = "User-agent: *\nDisallow: /a/\n"


@pytest.mark.parametrize(
    "body",
    [
        RULES.encode("utf-8-sig"),
        RULES.replace("\n", "\r\n").encode(),
        RULES.replace("\n", "\r").encode(),
        RULES.encode("utf-16"),
        ("# Größe\n" + RULES).encode("latin-1"),
        b"\xff\xfe" + RULES.encode("utf-16-le"),
        RULES.encode().replace(b"\n", b"\0\n"),
        ("\n\n  " + RULES.replace(":", " : ")).encode(),
        ("disallow: /x\nfoo: bar\nnonsense\n" + RULES).encode(),
        (RULES + "Foo: bar\n" * 10).encode(),
        RULES.replace("\n", " # why\n").encode(),
        RULES.replace("User-agent", "useragent").replace("Disallow", "DISALLOW").encode(),
    ],
    ids=["BOM", "CRLF", "CR", "UTF-16", "Latin-1", "UTF-16 LE", "NUL", "blanks", "nonsense before", "after", "comments", "case"],
)
def test_rules_are_found_in_files_of_every_make(body):
    assert (verdict(body), verdict(body, "/b/1")) == (DISALLOWED, ALLOWED)


HTML = "<!doctype html><html><head><title>Not found</title></head><body><p>User-agent: *</p>\nDisallow: /\n</body></html>"


@pytest.mark.parametrize("body", ["", "\n\n", "\ufeff", HTML, '{"error": 404}', "\x89PNG\r\n\x1a\n"])
def test_what_holds_no_rules_has_none(body):
    assert verdict(body) is NO_RULES


def test_a_line_end_that_only_unicode_knows_does_not_end_a_comment():
    assert verdict("User-agent: *\nDisallow: /b/ # see\u2028Disallow: /a/\n") is ALLOWED


def test_of_a_file_beyond_the_limit_the_rules_up_to_there_count_and_half_a_line_does_not():
    head = "User-agent: *\nDisallow: /b/\n"
    body = head + "#" * (MAX_BYTES - len(head) - len("\nDisallow: /")) + "\nDisallow: /private/\n"
    assert len(body) > MAX_BYTES
    for cut in (body, body[:MAX_BYTES]):
        assert (verdict(cut, "/b/1"), verdict(cut, "/a/1"), verdict(cut, "/private/1")) == (DISALLOWED, ALLOWED, ALLOWED)


@pytest.mark.parametrize(
    "body",
    [
        "".join(f"User-agent: b{n}\n" for n in range(15_000)) + "".join(f"Disallow: /{n}\n" for n in range(20_000)),
        RULES + "Disallow: /" + "*a" * 240_000 + "\n",
        RULES + "".join(f"Disallow: /*a{n}*b\n" for n in range(25_000)),
        RULES + "User-agent" + " " * 480_000 + "\n",
        "User-agent:" + " " * 480_000 + "\n" + RULES,
        RULES + " " * 480_000 + "x\n",
        RULES + "\r" * 480_000,
    ],
    ids=["robots by rules", "one wild rule", "wild rules", "blanks", "more blanks", "a blank line", "line ends"],
)
def test_no_file_takes_long(body):
    file, started_s = read(body), time.process_time()
    judge(file, ORIGIN + "/a" + "a1" * 3_500, "ingest")
    assert time.process_time() - started_s < 5


@given(st.text() | st.binary().map(lambda raw: raw.decode("latin-1")), st.text(max_size=20), st.text(max_size=10))
def test_nothing_raises(body, path, token):
    file = read(body.encode("utf-8", "surrogatepass"))
    assert judge(file, f"{ORIGIN}/{path}", token)[0] in (ALLOWED, DISALLOWED, NO_RULES)
    delay_s = crawl_delay_s(file, token, POLICY)
    assert delay_s is None or 0 <= delay_s <= POLICY.max_crawl_delay_s


# ── the pause it asks for ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("body", "delay_s"),
    [
        ("User-agent: *\nCrawl-delay: 10\n", 10),
        ("User-agent: *\nCrawl-delay: 10\n\nUser-agent: ingest\nCrawl-delay: 2.5\n", 2.5),
        ("User-agent: *\nCrawl-delay: 10\n\nUser-agent: ingest\nDisallow: /b/\n", None),
        ("User-agent: other\nCrawl-delay: 10\n", None),
        ("User-agent: *\nCrawl-delay: 86400\n", 60),
        ("User-agent: *\nCrawl-delay: -1\n", None),
        ("User-agent: *\nCrawl-delay: inf\n", None),
        ("User-agent: *\nCrawl-delay: soon\n", None),
        ("", None),
    ],
)
def test_a_crawl_delay_is_believed_up_to_a_minute(body, delay_s):
    assert crawl_delay_s(read(body), "ingest", POLICY) == delay_s


# ── when there is none, and when nobody can tell ────────────────────────────────────────────────────────────────────────


def refused(status=None, outcome=Outcome.HTTP_ERROR, retry_after_s=None):
    kind = TransientFetchError if status is None or status >= 500 else PermanentFetchError
    return kind(f"{ORIGIN}/robots.txt", outcome, f"{status or outcome}", status=status, retry_after_s=retry_after_s)


def ask_until(error, *, known=None, times=1, now=NOW):
    """The file after so many failures in a row, each as soon as it may be asked for again."""
    for _ in range(times):
        known = read_failure(ORIGIN, error, known, now=now, policy=POLICY)
        now = known.until_at
    return known


def ruled(file):
    return judge(file, ORIGIN + "/a/1", "ingest")[0]


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (400, Outcome.HTTP_ERROR),
        (401, Outcome.HTTP_ERROR),
        (403, Outcome.HTTP_ERROR),
        (404, Outcome.HTTP_ERROR),
        (410, Outcome.GONE),
        (451, Outcome.HTTP_ERROR),
        (204, Outcome.HTTP_ERROR),
        (302, Outcome.REDIRECT_ERROR),
    ],
)
def test_a_host_without_the_file_has_no_rules_for_a_day(status, outcome):
    file = ask_until(refused(status, outcome))
    assert (ruled(file), file.until_at) == (NO_RULES, NOW + DAY)
    assert is_current(file, NOW + DAY - HOUR)
    assert not is_current(file, NOW + DAY)


@pytest.mark.parametrize(
    ("status", "outcome", "again"),
    [
        (500, Outcome.HTTP_ERROR, HOUR),
        (503, Outcome.HTTP_ERROR, HOUR),
        (429, Outcome.RATE_LIMITED, HOUR),
        (403, Outcome.RATE_LIMITED, HOUR),
        (304, Outcome.PROTOCOL_ERROR, HOUR),
        (None, Outcome.TRUNCATED, HOUR),
        (None, Outcome.BLOCKED_ADDRESS, HOUR),
        (None, Outcome.TIMEOUT, HOUR / 6),
        (None, Outcome.DNS_ERROR, HOUR / 6),
        (None, Outcome.CONNECT_ERROR, HOUR / 6),
        (None, Outcome.TLS_ERROR, HOUR / 6),
    ],
)
def test_a_host_that_cannot_tell_forbids_everything_and_is_asked_again_soon(status, outcome, again):
    file = ask_until(refused(status, outcome))
    assert (ruled(file), file.until_at, file.unreachable_since_at) == (UNREACHABLE, NOW + again, NOW)


def test_the_reason_for_a_no_that_is_none_is_told():
    _, reason = judge(ask_until(refused(503)), ORIGIN + "/a/1", "ingest")
    assert reason == "robots.txt of news.example cannot be had (503), which is to be taken as a no"


def test_it_is_asked_again_ever_more_rarely_down_to_once_a_day():
    pauses, file, now = [], None, NOW
    for _ in range(8):
        file = read_failure(ORIGIN, refused(503), file, now=now, policy=POLICY)
        pauses.append((file.until_at - now) / HOUR)
        now = file.until_at
    assert pauses == [1, 1, 2, 4, 8, 16, 24, 24]


def test_a_retry_after_is_waited_for_but_no_longer_than_a_day():
    assert ask_until(refused(503, retry_after_s=7200)).until_at == NOW + 2 * HOUR
    assert ask_until(refused(429, Outcome.RATE_LIMITED, retry_after_s=1e9)).until_at == NOW + DAY


def test_a_copy_still_counts_while_nobody_can_tell_however_long():
    copy = read("User-agent: *\nDisallow: /a/\nCrawl-delay: 5\n")
    file = ask_until(refused(503), known=copy, times=60, now=NOW + DAY)
    assert (file.body, file.status, file.unreachable_since_at) == (copy.body, 200, NOW + DAY)
    assert file.fetched_at - NOW > 40 * DAY
    assert (ruled(file), judge(file, ORIGIN + "/b/1", "ingest")[0]) == (DISALLOWED, ALLOWED)
    assert crawl_delay_s(file, "ingest", POLICY) == 5


def test_that_there_was_no_file_is_no_copy():
    assert ruled(ask_until(refused(503), known=ask_until(refused(404)), now=NOW + DAY)) is UNREACHABLE


def test_after_thirty_days_without_a_word_there_are_no_rules():
    verdicts = [ruled(ask_until(refused(503), times=times)) for times in range(1, 50)]
    given_in = verdicts.index(NO_RULES) + 1
    assert set(verdicts[: given_in - 1]) == {UNREACHABLE}
    assert set(verdicts[given_in - 1 :]) == {NO_RULES}
    first = ask_until(refused(503), times=given_in)
    assert timedelta(days=30) <= first.fetched_at - NOW < timedelta(days=31)


def test_thirty_days_in_which_nobody_asked_prove_nothing():
    file = ask_until(refused(503))
    later = read_failure(ORIGIN, refused(503), file, now=NOW + 31 * DAY, policy=POLICY)
    assert (ruled(later), later.unreachable_since_at) == (UNREACHABLE, NOW + 31 * DAY)


def test_an_answer_ends_it():
    file = replace(read("User-agent: *\nDisallow: /a/\n"), fetched_at=NOW + 40 * DAY)
    assert (ruled(file), file.unreachable_since_at) == (DISALLOWED, None)
    assert ask_until(refused(404), known=ask_until(refused(503), times=9)).unreachable_since_at is None


def test_a_file_of_a_time_that_was_set_back_is_asked_for_again():
    file = RobotsFile(ORIGIN, 200, "", fetched_at=NOW + 365 * DAY, until_at=NOW + 366 * DAY)
    assert not is_current(file, NOW)


def test_of_a_large_file_only_the_first_page_costs_its_parsing():
    file = read("User-agent: *\n" + "".join(f"Disallow: /{n}*a*b\n" for n in range(25_000)))
    costs_s = []
    for number in range(3):
        started_s = time.process_time()
        assert judge(file, f"{ORIGIN}/a/{number}", "ingest")[0] is ALLOWED
        costs_s.append(time.process_time() - started_s)
    assert max(costs_s[1:]) < costs_s[0] / 3


def test_parsed_files_are_kept_by_their_size_and_the_one_asked_for_longest_ago_goes_first():
    kept = _ParsedFiles(5_000)
    small, large, larger = ("User-agent: *\nDisallow: /" + "x" * size for size in (10, 2_000, 2_500))
    rules = [kept.find(body, "ingest") for body in (small, large)]
    assert [kept.find(body, "ingest") for body in (small, large)] == rules
    kept.find(small, "ingest")
    kept.find(larger, "ingest")
    assert kept.chars < 5_000
    assert kept.find(small, "ingest") is rules[0]
    assert kept.find(large, "ingest") is not rules[1]
