"""Invented news: feeds and pages whose every text is its own, for whatever site a test puts them on."""

import random
from collections.abc import Iterable

_WORDS = (  # noqa: SIM905  thirty words read better in one string
    "harbour lantern violin orchard granite ferry meadow bishop copper winter bridge teacher market candle river mountain baker "
    "garden sailor mirror castle thunder blanket saddle compass feather cottage whistle barrel pepper chimney marble"
).split()


def prose(seed: object, words: int = 120) -> str:
    """Text of its own for each seed, the same each time."""
    chance = random.Random(str(seed))
    return " ".join(chance.choice(_WORDS) for _ in range(words)).capitalize() + "."


def page(seed: object, *, title: str = "", words: int = 120) -> str:
    """An article's page with a menu and a footer around it."""
    paragraphs = "".join(f"<p>{prose((seed, part), words // 3)}</p>" for part in range(3))
    menu = "".join(f'<li><a href="/section/{n}">{word}</a></li>' for n, word in enumerate(_WORDS[:12]))
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title or seed}</title></head><body>'
        f"<nav><ul>{menu}</ul></nav><article><h1>{title or seed}</h1>{paragraphs}</article>"
        "<footer>The Example</footer></body></html>"
    )


def item(base: str, number: int, *, title: str = "", text: str = "", guid: str = "", link: str = "") -> str:
    """One item of an RSS feed; its page lies at `base`/a/`number`."""
    body = f"<description>{text}</description>" if text else ""
    return (
        f"<item><title>{title or f'Story {number}'}</title><link>{link or f'{base}/a/{number}'}</link>"
        f'<guid isPermaLink="false">{guid or f"urn:story:{number}"}</guid>'
        f"<pubDate>Sat, 21 Nov 2026 {number % 24:02}:{number % 60:02}:00 GMT</pubDate>{body}</item>"
    )


def rss(base: str, items: Iterable[str], *, head: str = "", title: str = "The Example") -> str:
    """An RSS feed of these items."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?><rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom" '
        f'xmlns:fh="http://purl.org/syndication/history/1.0"><channel><title>{title}</title><link>{base}/</link>'
        f"<description>invented</description><language>en</language>{head}{''.join(items)}</channel></rss>"
    )
