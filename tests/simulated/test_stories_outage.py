"""What an outage of our own network must not teach: about validators, about gaps."""

from tests.sim.publishing import HOUR_S, every


def test_an_honest_feed_is_not_taken_for_a_liar_after_an_outage(world):
    """The first poll after it is a probe, and what came meanwhile was hidden by nobody."""
    here = world(tick_s=60.0)
    for number in range(6):
        here.web.site(f"site{number}.example").feed("/feed", [*every(HOUR_S, days=1 / 24), *every(HOUR_S, days=3)[30:]])
    here.web.outages = [(17 * HOUR_S, 27 * HOUR_S)]
    here.run(days=2)
    here.score.assert_none()


def test_an_outage_is_no_gap_as_long_as_the_document_reaches_back_over_it(world):
    here = world(tick_s=60.0)
    for number in range(6):
        here.web.site(f"site{number}.example").feed("/feed", every(HOUR_S, days=3), window=20)
    here.web.outages = [(17 * HOUR_S, 27 * HOUR_S)]
    here.run(days=2)
    assert here.score.gaps == []
    here.score.assert_none()


def test_an_outage_is_no_storm_of_attempts(world):
    """Where there is no network at all, failing costs no time."""
    here = world()
    here.web.no_connection_s = 0.0
    for number in range(40):
        here.web.site(f"site{number}.example").feed("/feed", every(HOUR_S, days=1))
    here.web.outages = [(HOUR_S, 1.5 * HOUR_S)]
    here.run(seconds=1.6 * HOUR_S)
    assert here.tally.feeds_failed <= 2 * 1800 / 5 + 40
    assert here.networks_lost == 1
    assert max(late for lates in here.score.late_s.values() for late in lates) <= HOUR_S / 2 + 60
