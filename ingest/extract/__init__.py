"""Pages → articles: the body, sanitised, and what the page says about it.

A page is parsed once and read in blocks (`reading`); which of them are the article is told by a learned classifier, with
readability as its second opinion (`choice`); they are written out as text and as markup (`render`, `clean`), and judged
(`quality`).

`article.extract` reads a fetched page, `feed_text.from_feed` what the feed itself carries. Both answer with the same value, so
that whoever chooses between them compares like with like.
"""
