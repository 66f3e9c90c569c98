"""One page in blocks, with the elements around them."""

from hypothesis import given
from hypothesis import strategies as st

from ingest.extract.blocks import Image, Segmented, segment
from ingest.extract.tree import parse_tree


def cut(body: str) -> Segmented:
    return segment(parse_tree(f"<html><body>{body}</body></html>"))


def texts(body: str) -> list[str]:
    return [block.text for block in cut(body).blocks]


def test_each_paragraph_heading_and_item_is_a_block() -> None:
    assert texts("<h1>Head</h1><p>One</p><ul><li>a</li><li>b</li></ul>") == ["Head", "One", "a", "b"]


def test_text_around_a_block_element_is_a_block_of_its_own() -> None:
    assert texts("<div>before<p>inside</p>behind</div>") == ["before", "inside", "behind"]


def test_elements_within_a_line_do_not_part_it() -> None:
    assert texts("<p>one <b>two</b> <a href='/x'>three <i>four</i></a> five</p>") == ["one two three four five"]


def test_a_block_within_an_inline_element_is_a_block() -> None:
    assert texts("<a href='/x'><div>card</div><div>line</div></a>") == ["card", "line"]


def test_two_line_breaks_part_a_text_and_one_does_not() -> None:
    assert texts("<div>one<br>still one<br> <br>two</div>") == ["one still one", "two"]


def test_what_is_never_shown_as_text_is_no_block() -> None:
    assert texts("<script>x()</script><style>p{}</style><button>Close</button><p>text</p><noscript>no</noscript>") == ["text"]


def test_text_in_hidden_elements_is_kept_and_marked() -> None:
    page = cut("<div hidden><p>text</p></div>")
    (block,) = page.blocks
    around = page.nodes[page.nodes[block.node].parent]
    assert (block.text, bool(around.hints.marks)) == ("text", True)


def test_characters_within_links_are_counted() -> None:
    (block,) = cut("<p>see <a href='/a'>this one</a> and <a href='/b'>that</a></p>").blocks
    assert (block.links, block.link_chars) == (2, len("this one") + len("that"))


def test_a_row_of_short_cells_is_one_block() -> None:
    table = "<table><tr><th>Team</th><th>Goals</th></tr><tr><td>Blue</td><td>3</td></tr></table>"
    assert texts(table) == ["Team Goals", "Blue 3"]


def test_cells_that_lay_out_a_page_are_blocks_of_their_own() -> None:
    assert texts("<table><tr><td><p>menu</p></td><td><p>text</p></td></tr></table>") == ["menu", "text"]
    assert len(texts(f"<table><tr><td>{'long ' * 50}</td><td>{'text ' * 50}</td></tr></table>")) == 2


def test_pictures_between_blocks_are_kept_with_their_place() -> None:
    page = cut("<p>one</p><figure><img src='/a.jpg' alt='A'><figcaption>Cap</figcaption></figure><p>two</p>")
    (picture,) = page.pictures
    assert (picture.at, picture.images) == (1, (Image("/a.jpg", "A"),))


def test_a_picture_put_off_by_a_script_is_found_where_it_waits() -> None:
    page = cut("<p>x</p><div><img src='data:image/gif;base64,AA' data-src='/real.jpg'></div>")
    assert page.pictures[0].images == (Image("/real.jpg", ""),)


@given(st.lists(st.sampled_from(["<div>", "</div>", "<p>", "a ", "b<br>", "<br>", "<a href=x>", "</a>", "<tr><td>", "<b>", "<table>", "<li>"]), max_size=40))  # fmt: skip  # noqa: E501
def test_every_element_holds_one_run_of_blocks_and_no_word_is_lost(pieces: list[str]) -> None:
    page = cut("".join(pieces))
    for number, node in enumerate(page.nodes):
        assert 0 <= node.start <= node.end <= len(page.blocks)
        if node.parent >= 0:
            around = page.nodes[node.parent]
            assert node.parent < number
            assert around.start <= node.start <= node.end <= around.end
    words = " ".join("".join(piece for piece in pieces if not piece.startswith("<")).replace("<br>", " ").split())
    assert sorted("".join(" ".join(block.text for block in page.blocks).split())) == sorted("".join(words.split()))
