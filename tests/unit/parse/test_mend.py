"""Faults that feeds really have are mended; sections marked as CDATA stay as they are."""

import pytest

from ingest.parse.mend import is_cut_off, mend, trim


@pytest.mark.parametrize(
    ("broken", "mended"),
    [
        ("<rss>AT&T & Co &amp; &lt;</rss>", "<rss>AT&amp;T &amp; Co &amp; &lt;</rss>"),
        ("<rss>caf&eacute; &hellip;</rss>", "<rss>café …</rss>"),
        ("<rss>&unheard; &#0; &#x41; &#xD800; &#99999999;</rss>", "<rss>&amp;unheard;  &#x41;  </rss>"),
        ("<rss>a\x00b\x0bc\ufffed</rss>", "<rss>abcd</rss>"),
        ("<rss><![CDATA[a & b &eacute;]]>&</rss>", "<rss><![CDATA[a & b &eacute;]]>&amp;</rss>"),
        ("<rss><![CDATA[a & b", "<rss><![CDATA[a &amp; b"),
        ("<rss>a ]]> b</rss>", "<rss>a ]]&gt; b</rss>"),
        ("<rss><![CDATA[a]]> ]]></rss>", "<rss><![CDATA[a]]> ]]&gt;</rss>"),
        ('<rss><?xml version="1.0"?><a/></rss>', "<rss><a/></rss>"),
        ("<rss><![CDATA[<?xml x?>]]><?xml-stylesheet x?></rss>", "<rss><![CDATA[<?xml x?>]]><?xml-stylesheet x?></rss>"),
        ("<rss xmlns:dc = 'd'><dc:x/></rss>", "<rss xmlns:dc = 'd'><dc:x/></rss>"),
        (
            "<rss><dc:x xmlns:dc='e'/><dc:y/></rss>",
            "<rss xmlns:dc=\"http://purl.org/dc/elements/1.1/\"><dc:x xmlns:dc='e'/><dc:y/></rss>",
        ),
        ("<rss><dc:x/></rss>", '<rss xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:x/></rss>'),
        ("<rss><zz:x/></rss>", '<rss xmlns:zz="urn:undeclared:zz"><zz:x/></rss>'),
        ('<rss xmlns:dc="d"><dc:x xml:lang="e"/></rss>', '<rss xmlns:dc="d"><dc:x xml:lang="e"/></rss>'),
    ],
)
def test_fault_is_mended(broken: str, mended: str) -> None:
    assert mend(broken) == mended


def test_entities_defined_as_plain_text_are_used() -> None:
    prolog = "<!DOCTYPE rss [<!ENTITY a \"x\"><!ENTITY b '&a;&a;'>]>"
    assert mend("<rss>&a;&b;</rss>", prolog) == "<rss>x&amp;b;</rss>"


def test_what_follows_the_root_is_cut_off_and_told() -> None:
    assert trim(b"<rss>x</rss>\n<!-- 0.2 s -->") == (b"<rss>x</rss>", "")
    assert trim(b"<rss>x</rss ><script>y</script>") == (b"<rss>x</rss >", "<script>y</script>")
    assert trim(b"no markup") == (b"no markup", "")


def test_document_without_the_end_of_its_root_is_cut_off() -> None:
    assert is_cut_off(b"<rdf:RDF><channel></channel><item>")
    assert not is_cut_off(b"<rdf:RDF></rdf:RDF>")


def test_entities_of_a_document_make_it_only_so_much_longer() -> None:
    prolog = f'<!DOCTYPE rss [<!ENTITY a "{"é" * 200}">]>'
    mended = mend(f"<rss>{'&a;' * 100_000}</rss>", prolog)
    assert len(mended) < 2_000_000
    assert mended.endswith("é&amp;a;" + "&amp;a;" * (mended.count("&amp;a;") - 1) + "</rss>")


def test_what_an_entity_means_is_no_markup() -> None:
    assert mend("<rss>&a;</rss>", '<!DOCTYPE rss [<!ENTITY a "x > y">]>') == "<rss>x &gt; y</rss>"
