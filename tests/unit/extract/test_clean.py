"""What is stored is text, structure, pictures and links, and nothing that acts."""

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.extract.clean import clean_html
from ingest.extract.flatten import flatten

PAGE = "https://a.example/dir/page"
REL = ' rel="nofollow noopener noreferrer"'


@pytest.mark.parametrize(
    ("markup", "cleaned"),
    [
        ("<h2 class=x>T</h2><p style='y'>a <b>b</b></p>", "<h2>T</h2><p>a <b>b</b></p>"),
        ("<div>a</div><section>b<div>c</div></section>", "<p>a</p><p>b</p><p>c</p>"),
        ('<a href="x?a=1&amp;b" onclick="y" target=_blank>t</a>', f'<a href="https://a.example/dir/x?a=1&amp;b"{REL}>t</a>'),
        ('<a href="mailto:a@b.example">m</a>', f'<a href="mailto:a@b.example"{REL}>m</a>'),
        ('<a href=" JavaScript:alert(1)">t</a>', f"<a{REL}>t</a>"),
        ('<img src="/i.png" srcset="javascript:x" alt="An i">', '<img src="https://a.example/i.png" alt="An i">'),
        ('<img src="data:image/svg+xml,x" alt="x">a', "a"),
        ("<script>x</script><style>y</style><svg><script>z</script></svg><iframe src=x></iframe>a", "a"),
        ("<form action=/x><p>kept</p><button>b</button><input value=v></form>", "<p>kept</p>"),
        (
            "<table><tr><td colspan=2 bgcolor=red>1</td></tr></table>",
            '<table><tbody><tr><td colspan="2">1</td></tr></tbody></table>',
        ),
        ("<pre><code>a\n  b</code></pre>", "<pre><code>a\n  b</code></pre>"),
        ("<p>a\x00\u202eb</p><!-- c -->", "<p>ab</p>"),
        ("5 < 6 & 7", "5 &lt; 6 &amp; 7"),
        ("", ""),
    ],
)
def test_markup_is_reduced(markup: str, cleaned: str) -> None:
    assert clean_html(markup, PAGE) == cleaned


VECTORS = [
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<svg/onload=alert(1)>",
    "<a href='jav&#x09;ascript:alert(1)'>x</a>", "<a href='data:text/html,<script>alert(1)</script>'>x</a>",
    "<iframe srcdoc='<script>alert(1)</script>'>", "<math><mi xlink:href=javascript:x>", "<object data=javascript:alert(1)>",
    "<embed src=javascript:alert(1)>", "<form action=javascript:x><button formaction=javascript:y>",
    "<p style='background:url(javascript:x)'>", "<base href=javascript:x>", "<link rel=stylesheet href=x>",
    "<meta http-equiv=refresh content=0>", "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<svg><style><img src=x onerror=alert(1)></style></svg>", "<template><script>x</script></template>",
    "<input autofocus onfocus=x>", "<video><source onerror=x></video>", "<details open ontoggle=x>",
]  # fmt: skip
KEPT_ATTRIBUTES = {
    "href",
    "src",
    "alt",
    "title",
    "rel",
    "colspan",
    "rowspan",
    "lang",
    "dir",
    "datetime",
    "cite",
    "start",
    "scope",
}
DROPPED_TAGS = {
    "script",
    "style",
    "svg",
    "math",
    "iframe",
    "object",
    "embed",
    "form",
    "base",
    "link",
    "meta",
    "noscript",
    "template",
}


class _Active(HTMLParser):
    """Collects what could act: tags, attributes and addresses that have no business in stored markup."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [tag] if tag in DROPPED_TAGS else []
        self.found += [f"{tag} {name}" for name, _ in attrs if name not in KEPT_ATTRIBUTES]
        addresses = (value or "" for name, value in attrs if name in ("href", "src"))
        self.found += [f"{tag} {value}" for value in addresses if not value.startswith(("http:", "https:", "mailto:"))]


def active(markup: str) -> list[str]:
    parser = _Active()
    parser.feed(markup)
    parser.close()
    return parser.found


@pytest.mark.parametrize("vector", VECTORS)
def test_nothing_active_is_left(vector: str) -> None:
    cleaned = clean_html(f"<p>before</p>{vector}<p>after</p>", PAGE)
    assert active(cleaned) == []
    assert "before" in cleaned


@given(st.lists(st.sampled_from([*VECTORS, "<p>", "</p>", "<div>", "'", '"', ">", "<", "a"]), max_size=12))
def test_cleaning_twice_is_cleaning_once(pieces: list[str]) -> None:
    cleaned = clean_html("".join(pieces), PAGE)
    assert active(cleaned) == []
    assert clean_html(cleaned, PAGE) == cleaned


def test_nesting_is_bounded_and_text_kept() -> None:
    flat = flatten("<div>" * 1_000 + "deep" + "</div>" * 1_000 + "<p>after</p>")
    assert flat == "<div>" * 200 + "deep" + "</div>" * 200 + "<p>after</p>"


@pytest.mark.parametrize(
    "markup",
    [
        "<p>a", "<li>" * 500, "<script>" + "x='<div>';" * 500 + "</script><div>a</div>", "<!--" + "<div>" * 500 + "-->",
        "<br/>" * 500, "<i/>" * 500, "</div>" * 500, "<textarea>", "<!-- open",
    ],
)  # fmt: skip
def test_what_is_not_nested_stays_as_it_is(markup: str) -> None:
    assert flatten(markup) == markup
