"""Hosts with many feeds, hosts that allow little, and a network of our own that comes and goes."""

from datetime import timedelta

from ingest.model import FeedOptions
from ingest.policy import PollPolicy
from ingest.schedule import first_poll_at
from tests.sim.publishing import HOUR_S, every
from tests.sim.web import Bucket, during
from tests.simulated.looking import all_polls, feed_info


def _fill(here, hosts, *, per_host=1, name="other", **site):
    """Hosts with feeds that publish every two hours; answers their feeds."""
    feeds = []
    for number in range(hosts):
        place = here.web.site(f"{name}{number}.example", **({"answers_s": (0.2, 0.2)} | site))
        feeds += [place.feed(f"/{feed}", every(2 * HOUR_S, days=40)) for feed in range(per_host)]
    return feeds


def test_twenty_feeds_share_a_host_that_allows_one_request_a_minute(world):
    here = world(tick_s=5.0)
    feeds = _fill(here, 1, per_host=20, name="strict", rules=[Bucket(60.0)])
    _fill(here, 10)
    refused = []

    async def story():
        await here.start()
        await here.sleep(hours=2)
        refused.append(here.score.refused)
        await here.sleep(hours=6)

    here.play(story())
    assert here.score.refused == refused[0]  # after learning there is none
    assert refused[0] <= 3
    here.score.assert_none()
    found = all_polls(here)
    polls = [len(found[feed.url]) for feed in feeds]
    assert max(polls) - min(polls) <= 2
    assert min(polls) >= 8 * 60 / 20 / 3  # pages get their share, too
    assert _latest_s(here, "other") <= 6.0


def _latest_s(here, hosts):
    """Of all polls at hosts that are called so, how late the latest came."""
    return max(late for host, lates in here.score.late_s.items() if host.startswith(hosts) for late in lates)


def test_a_thousand_feeds_of_one_host_do_not_starve_the_others_and_are_served_in_the_order_in_which_they_were_due(world):
    here = world(tick_s=4.0, is_written=False, yields=False, hosts={"gap_s": 3.5})
    crowd = _fill(here, 1, per_host=1000, name="crowd")
    _fill(here, 20)
    here.run(seconds=600)
    here.score.assert_none()
    assert _latest_s(here, "other") <= 5.0
    due = sorted(crowd, key=lambda feed: first_poll_at(feed.url, here.clock.start, PollPolicy(), feeds=1020))
    found = all_polls(here)
    polls = [found[feed.url] for feed in due]
    served = [poll.polled_at for of_feed in polls for poll in of_feed]
    assert served == sorted(served)
    assert [len(of_feed) for of_feed in polls] == [1] * len(served) + [0] * (1000 - len(served))
    assert len(served) >= 600 / 4 - 30


def test_while_our_own_network_is_away_nothing_is_counted_and_then_all_is_polled_at_once(world):
    here = world(tick_s=5.0)
    feeds = _fill(here, 30)
    away_s, back_s = 2 * HOUR_S, 2.5 * HOUR_S
    here.web.outages = [(away_s, back_s)]
    here.run(seconds=back_s + 360)
    here.score.assert_none()
    assert {feed_info(here, feed.url).failures for feed in feeds} == {0.0}
    back_at = here.clock.start + timedelta(seconds=back_s)
    good = [[poll.polled_at for poll in found if poll.outcome.is_success] for found in all_polls(here).values()]
    assert max(min(moment for moment in moments if moment > back_at) for moments in good) <= back_at + timedelta(minutes=2)
    assert here.networks_lost == 1


def test_a_host_that_is_down_for_a_day_is_no_outage_of_ours(world):
    here = world(tick_s=5.0)
    _fill(here, 5)
    down = here.web.site("down.example", answers_s=(60.0, 60.0)).feed("/feed", every(HOUR_S, days=3))
    here.run(days=1)
    assert here.networks_lost == 0
    assert feed_info(here, down.url).failures > 0
    assert len(all_polls(here)[down.url]) < 24


def test_where_a_redirect_leads_to_a_host_that_refuses_that_host_is_left_alone(world):
    here = world(tick_s=5.0)
    strict = here.web.site("strict.example", rules=[during(HOUR_S, 2 * HOUR_S, 429, retry_after_s=3600)])
    old = here.web.site("old.example")
    direct = strict.feed("/direct", every(HOUR_S, days=2))
    here.options[direct.url] = FeedOptions(interval_s=HOUR_S / 2)
    for number in range(4):
        target = strict.feed(f"/{number}", every(HOUR_S, days=2), is_listed=False)
        listed = old.feed(f"/{number}", target.published)
        old.moved(f"/{number}", target.url)
        here.options[listed.url] = FeedOptions(interval_s=300.0)
    here.run(days=0.25)
    here.score.assert_none()
    assert here.score.refused <= 2


def test_a_feed_that_redirects_within_a_host_that_allows_one_request_in_two_minutes_is_had_once_that_is_learned(world):
    here = world(tick_s=5.0)
    strict = here.web.site("strict.example", rules=[Bucket(120.0)])
    target = strict.feed("/feed/", every(2 * HOUR_S, days=2), is_listed=False)
    strict.feed("/feed", target.published)
    strict.moved("/feed", target.url, status=302)
    here.run(days=0.5)
    here.score.assert_none()
    info = feed_info(here, strict.feeds["/feed"].url)
    assert (info.failures, info.entries >= 5) == (0.0, True)
