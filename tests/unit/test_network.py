"""Is it our own network?"""

import pytest

from ingest.errors import FetchError, IngestError, NoTurn, ParseError, PermanentFetchError, TransientFetchError
from ingest.outcome import Outcome
from ingest.pipeline import NetworkWatch
from tests.unit.make import feed_claim


class Clock:
    at_s = 100.0

    def monotonic_s(self):
        return self.at_s


class Told:
    def __init__(self):
        self.said = []

    def network_lost(self, hosts):
        self.said.append(("lost", hosts))

    def network_back(self, away_s):
        self.said.append(("back", away_s))


def watch():
    told, clock = Told(), Clock()
    return NetworkWatch(told, clock), told, clock


SILENCE = TransientFetchError("https://a/", Outcome.CONNECT_ERROR, "no route to host")
REFUSAL = PermanentFetchError("https://a/", Outcome.HTTP_ERROR, "404 Not Found", status=404)


def fail(network, *hosts, error: FetchError = SILENCE):
    for host in hosts:
        network.failed(host, error)


def test_silence_of_five_hosts_in_a_row_is_our_own_network_and_said_once():
    network, told, _ = watch()
    network.answered("z")
    fail(network, *"abcd")
    assert not network.is_away
    fail(network, *"efgh")
    assert network.is_away
    assert told.said == [("lost", 5)]


def test_one_answer_is_enough_to_be_back_and_says_for_how_long_it_was_away():
    network, told, clock = watch()
    fail(network, *"abcde")
    clock.at_s += 90
    network.answered("a")
    assert not network.is_away
    assert told.said[-1] == ("back", 90)


def test_an_answer_that_refuses_is_an_answer():
    network, _, _ = watch()
    fail(network, *"abcd")
    fail(network, "e", error=REFUSAL)
    fail(network, *"fg")
    assert not network.is_away


@pytest.mark.parametrize("outcome", [Outcome.TRUNCATED, Outcome.TOO_LARGE, Outcome.DECODE_ERROR, Outcome.PROTOCOL_ERROR])
def test_an_answer_that_cannot_be_used_is_an_answer(outcome):
    network, _, _ = watch()
    fail(network, *"abcde")
    fail(network, "f", error=TransientFetchError("https://f/", outcome, "of no use"))
    assert not network.is_away


@pytest.mark.parametrize(
    "error",
    [
        PermanentFetchError("http://10.0.0.1/", Outcome.BLOCKED_ADDRESS, "an address within"),
        PermanentFetchError("https://f/", Outcome.PROTOCOL_ERROR, "the request could not be sent"),
        NoTurn("f", wait_s=90.0),
        TransientFetchError("https://f/", Outcome.INTERNAL_ERROR, "unexpected KeyError"),
    ],
    ids=["an address that is never asked", "a request that cannot be sent", "no turn", "a defect"],
)
def test_where_nobody_was_asked_nobody_answered_and_nobody_was_silent(error):
    network, told, _ = watch()
    network.answered("z")
    fail(network, *"abcd")
    fail(network, *"fghij", error=error)
    assert not network.is_away
    fail(network, "e")
    fail(network, "f", error=error)
    assert network.is_away
    assert told.said == [("lost", 5)]


def test_one_host_that_is_silent_again_and_again_says_nothing():
    network, _, _ = watch()
    fail(network, *"aaaaaaaa")
    assert not network.is_away


def test_feeds_whose_failures_were_counted_before_it_was_clear_are_forgiven_once():
    network, _, _ = watch()
    first, other = feed_claim(feed_id=1), feed_claim(feed_id=2, failures=1.5)
    network.counted(first, SILENCE)
    network.counted(other, SILENCE)
    network.counted(feed_claim(feed_id=1, failures=0.25), SILENCE)  # it failed again meanwhile: as it was before the first counts
    assert network.take_counted() == (first, other)
    assert network.take_counted() == ()


@pytest.mark.parametrize("error", [REFUSAL, ParseError(Outcome.NOT_A_FEED, "an HTML page"), IngestError("KeyError: 'x'")])
def test_failures_that_were_no_silence_are_never_forgiven(error):
    network, _, _ = watch()
    network.counted(feed_claim(), error)
    assert network.take_counted() == ()


def test_an_answer_proves_that_the_failures_before_it_were_no_outage():
    network, _, _ = watch()
    network.counted(feed_claim(), SILENCE)
    network.answered("a")
    assert network.take_counted() == ()


def test_an_attempt_that_began_while_the_network_was_away_fails_by_it_though_it_is_back():
    network, _, clock = watch()
    fail(network, *"abcde")
    began_s = clock.at_s
    clock.at_s += 3
    network.answered("a")
    assert network.is_ours(SILENCE, since_s=began_s)
    assert not network.is_ours(SILENCE, since_s=clock.at_s)
    assert not network.is_ours(REFUSAL, since_s=began_s)  # somebody answered


def test_whoever_answers_while_the_network_is_away_is_to_be_heard():
    network, _, clock = watch()
    fail(network, *"abcde")
    assert network.is_ours(SILENCE, since_s=clock.at_s)
    assert not network.is_ours(REFUSAL, since_s=clock.at_s)


def test_hosts_that_were_failing_before_say_nothing_by_their_silence_but_by_their_answers():
    network, _, _ = watch()
    network.answered("z")
    for host in "abcdefgh":
        network.failed(host, SILENCE, was_failing=True)
    assert not network.is_away
    fail(network, *"abcde")
    network.failed("f", REFUSAL, was_failing=True)
    assert not network.is_away


def test_while_it_is_away_it_is_looked_for_every_few_seconds():
    network, _, clock = watch()
    looks = []
    for _ in range(40):
        looks.append(network.is_time_to_try())
        clock.at_s += 0.5
    assert sum(looks) == 4
    assert looks[0]
