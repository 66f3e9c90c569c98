"""Chosen blocks as text and as markup."""

from ingest.extract.blocks import segment
from ingest.extract.clean import clean_html
from ingest.extract.render import to_html, to_text
from ingest.extract.tree import parse_tree


def written(body: str, *, without: tuple[str, ...] = ()) -> tuple[str, str]:
    """Text and clean markup of all blocks but those that say one of `without`."""
    page = segment(parse_tree(f"<html><body>{body}</body></html>"))
    chosen = [number for number, block in enumerate(page.blocks) if block.text not in without]
    return to_text(page, chosen), clean_html(to_html(page, chosen), "https://a.example/dir/page")


def test_paragraphs_are_parted_by_a_blank_line_and_items_by_a_line_end() -> None:
    text, _ = written("<h2>Head</h2><p>One</p><ul><li>a</li><li>b</li></ul><p>Two</p>")
    assert text == "Head\n\nOne\n\na\nb\n\nTwo"


def test_a_line_break_of_the_author_is_one_in_the_text() -> None:
    text, markup = written("<p>Roses are red<br>violets are blue</p>")
    assert text == "Roses are red\nviolets are blue"
    assert markup == "<p>Roses are red<br>violets are blue</p>"


def test_headings_lists_quotes_and_tables_keep_their_structure() -> None:
    _, markup = written(
        "<article><h2>Head</h2><div><blockquote><p>Said</p></blockquote></div><ol><li>a</li><li>b</li></ol>"
        "<table><tbody><tr><td>Blue</td><td>3</td></tr></tbody></table></article>"
    )
    assert markup == (
        "<h2>Head</h2><blockquote><p>Said</p></blockquote><ol><li>a</li><li>b</li></ol>"
        "<table><tbody><tr><td>Blue</td> <td>3</td></tr></tbody></table>"
    )


def test_text_of_plain_containers_becomes_paragraphs() -> None:
    assert written("<div>one<br><br>two</div>")[1] == "<p>one</p><p>two</p>"


def test_code_keeps_its_lines() -> None:
    text, markup = written("<pre><code>if x:\n    y()</code></pre>")
    assert text == "if x:\n    y()"
    assert markup == "<pre><code>if x:\n    y()</code></pre>"


def test_links_are_absolute_and_emphasis_stays() -> None:
    _, markup = written("<p>see <a href='../b'>the <em>other</em></a> page</p>")
    assert markup == '<p>see <a href="https://a.example/b" rel="nofollow noopener noreferrer">the <em>other</em></a> page</p>'


def test_pictures_within_the_article_stand_in_figures_with_their_captions_apart() -> None:
    text, markup = written(
        "<p>One</p><figure><img src='/a.jpg' alt='A ship'><figcaption>The ship</figcaption></figure><p>Two</p>",
        without=("The ship",),
    )
    assert text == "One\n\nTwo"
    assert markup == (
        '<p>One</p><figure><img src="https://a.example/a.jpg" alt="A ship"><figcaption>The ship</figcaption></figure><p>Two</p>'
    )


def test_pictures_before_and_behind_the_article_are_left_out() -> None:
    _, markup = written("<img src='/logo.png'><p>One</p><p>Two</p><img src='/next.png'>")
    assert markup == "<p>One</p><p>Two</p>"


def test_what_is_left_out_between_items_breaks_no_structure() -> None:
    _, markup = written("<ul><li>a</li><li>advert</li><li>b</li></ul>", without=("advert",))
    assert markup == "<ul><li>a</li><li>b</li></ul>"


def test_an_element_that_began_around_a_block_leaves_no_trace_in_it() -> None:
    assert written("<b><div>bold card</div></b>")[1] == "<p>bold card</p>"


def test_markup_in_text_stays_text() -> None:
    _, markup = written("<p>a &lt;script&gt;alert(1)&lt;/script&gt; b</p>")
    assert "<script" not in markup
    assert "&lt;script&gt;" in markup


def test_a_definition_list_is_written_once() -> None:
    markup = written("<dl><dt>Ebb</dt><dd>The tide goes <b>out</b></dd></dl>")[1]
    assert markup == "<dl><dt>Ebb</dt><dd>The tide goes <b>out</b></dd></dl>"


def test_emphasis_that_goes_on_over_a_break_does_not_run_on_to_the_rest() -> None:
    markup = written("<p><strong>Lead one.<br><br>Lead two.</strong></p><p>Body.</p>")[1]
    assert markup.endswith("<p>Body.</p>")


def test_line_ends_of_the_source_are_spaces() -> None:
    assert written("<p><a href=/a>one</a>\n<a href=/b>two</a>\n<i>three</i>\n<br>four</p>")[0] == "one two three\nfour"


def test_blank_lines_of_code_stay() -> None:
    assert written("<pre>def f():\n\n    x = 1\n\n\n    return x</pre>")[0] == "def f():\n\n    x = 1\n\n\n    return x"


def test_lines_of_code_in_elements_of_their_own_are_code() -> None:
    assert written("<pre><code><div>a = 1</div><div>  b</div></code></pre>")[1] == "<pre>a = 1</pre><pre>  b</pre>"


def test_breaks_within_a_cell_part_words_and_not_the_row() -> None:
    table = "<table><tr><td>a<br><br>b</td><td>c</td></tr></table>"
    assert written(table)[0] == "a b c"


def test_a_figures_caption_is_written_once_however_many_pictures_it_holds() -> None:
    pictures = "".join(f"<img src='/{number}.jpg'><div>Share {number}</div>" for number in range(200))
    captions = tuple(f"Share {number}" for number in range(200))
    markup = written(f"<p>One</p><figure>{pictures}</figure><p>Two</p>", without=captions)[1]
    assert markup.count("<figcaption>") == 1
    assert len(markup) < 30_000
