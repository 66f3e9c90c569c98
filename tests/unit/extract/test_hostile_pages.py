"""Pages made to cost: each ends in a text or a reason, in seconds; what takes longer is ended with its worker (`offload`)."""

import time

import pytest

from ingest.errors import ExtractError
from ingest.extract.article import extract
from tests.unit.make import NOW

SENTENCE = "The harbour was closed on Friday because of the storm, and the ferries stayed in port. "
STORY = f"<p>{SENTENCE * 4}</p>"


def cost_of(page: str) -> tuple[float, str]:
    """CPU seconds, and the text or the reason."""
    started = time.process_time()
    try:
        found = extract(page.encode(), url="https://a.example/1", headers={}, now=NOW).text
    except ExtractError as error:
        found = error.reason
    return time.process_time() - started, found


@pytest.mark.parametrize(
    "page",
    [
        f"<div {' '.join(f'a{number}=x' for number in range(20_000))}>{STORY}</div>",
        f"{STORY}{'<p>a' * 300_000}",
        f"<div>{SENTENCE * 4}{'<br>' * 300_000}</div>",
        f"<div>{'a<br>' * 200_000}</div>{STORY}",
        f"{'<a href=/x>link</a> ' * 100_000}{STORY}",
        f"{'<p><a href=/x>link</a></p>' * 50_000}{STORY}",
        "".join(f"<div class='c{number} d{number}'>w{number}</div>" for number in range(50_000)) + STORY,
        f"<title>{'t ' * 1_000_000}</title>{STORY}",
        f"<p>{'a' * 3_000_000}</p>",
        f"<p>{'a.' * 1_500_000}</p>",
        f"<p>{'. ' * 1_500_000}</p>",
        f"<p>{'“' * 1_500_000}</p>",
        f"<h1>{'4' * 1_500_000}</h1>",
        f"<p class='author'>{'By Ann, ' * 200_000}</p>{STORY}",
        f"<p class='{'date ' * 300_000}'>{'1 May ' * 300_000}</p>{STORY}",
        f"<div class='{'a-' * 500_000}' id='{'B' * 1_000_000}' style='{'; ' * 500_000}'>{STORY}</div>",
        f"<table>{'<tr><td>a</td><td>b</td></tr>' * 30_000}</table>{STORY}",
    ],
    ids=[
        *(
            "attributes",
            "paragraphs",
            "line breaks",
            "short lines",
            "links in a line",
            "links in paragraphs",
            "classes",
            "a title",
        ),
        *("one word", "a host", "stops", "quotes", "a number", "names", "dates", "names of an element", "rows"),
    ],
)
def test_no_page_costs_more_than_seconds(page: str) -> None:
    cpu_s, found = cost_of(f"<html><body>{page}</body></html>")
    assert found
    assert cpu_s < 8
