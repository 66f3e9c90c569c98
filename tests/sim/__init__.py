"""The service on virtual time: weeks of many feeds in a minute, with a web that keeps the score. `python -m tests.sim -h`

    loop         an event loop that jumps from timer to timer, and the clock that goes with it
    publishing   when feeds publish
    documents    feeds as their servers have them: window, validators, edits, archives
    web          hosts with their manners, at the port Fetcher or behind the real HttpFetcher
    score        what every request did to its server
    service      real runners, walks, planner and store as processes that can be stopped and killed; several over one database
    worlds       webs to poll

One seed, one story: the same numbers every time, as long as the service makes the same decisions.

What is checked of every request (`score.Offence`):
 1. EARLY          no feed is polled before the moment that the service wrote down as its next poll, nor before Retry-After,
                   whatever was killed or restarted meanwhile; only the end of an outage of our own network, a last probe and a
                   person take a promise back.
 2. HINT           nor before ttl and max-age are over, nor is it planned for an hour or a day that the feed wants skipped;
                   only a person's interval wins over these.
 3. UNCONDITIONAL  who was given validators shows them, but for one whole document in `poll.probe_s`; a server that was found
                   to lie may be asked without.
 4. VALIDATORS     those that are shown are those that came last with the very document, as they came.
 5. RETRY_AFTER    after 429 or 503 with Retry-After its host is left alone until then by all: feeds, pages, robots.txt.
 6. GAP            two requests to one host start a gap apart: of the policy, of its robots.txt or of what its refusals taught,
                   whichever is widest, over all processes together.
 7. AT_ONCE        no host has more than `hosts.at_once` requests in flight, over all processes together.
 8. TWICE          no feed is polled by two at once.
 9. ROBOTS         no page is asked for that robots.txt forbids, nor before robots.txt is known.
10. ROBOTS_REPEAT  a robots.txt that was told is not asked for again within `robots.keep_s`.
11. STRAY          nobody asks for a home page, a favicon, or archives of a feed of which nothing was missed.

What an answer obliges to is in force once the service has written it down, or would have: an answer that died with its process
taught nobody. Nothing else is forgiven: a defect in the service (an exception, a refusal of the store) fails the simulation.
And of every run: what feeds showed while they could be polled is stored, whoever was killed.
"""
