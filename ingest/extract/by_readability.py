"""The body of a page by readability-lxml. The only room that knows it."""

import readability
import readability.readability
from lxml import etree
from lxml.html import HTMLParser, document_fromstring

from ingest.errors import ExtractError
from ingest.outcome import Outcome

NAME = "readability"
VERSION = str(readability.__version__)

# It logs each failure with a traceback and raises as well; one of the two is enough.
readability.readability.log.disabled = True


def find_body(page: str) -> str:
    """The markup that holds the article of `page`, as readability sees it; empty where it sees none. Raises ExtractError.

    `page` is characters, never bytes: its guess at an encoding takes 25 s on a page of spaces. The tree is built here,
    because its own parser loses texts over 10 MB without a word.
    """
    parser = HTMLParser(encoding="utf-8", huge_tree=True, remove_comments=True, remove_pis=True)
    try:
        tree = document_fromstring(page.encode("utf-8", "replace"), parser=parser)
        return str(readability.Document(tree).summary(html_partial=True))
    except (readability.readability.Unparseable, etree.LxmlError, ValueError, AssertionError) as error:
        raise ExtractError(Outcome.EXTRACT_ERROR, f"readability: {error}"[:200]) from error
