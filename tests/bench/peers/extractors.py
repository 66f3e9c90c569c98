"""The peers of the extractor, in an environment of their own: lines of JSON in, lines of JSON out.

A line {"page": path of gzip, "url": …} is answered by {tool: [text, CPU seconds]} for every tool, in an order that turns.
"""

import gc
import gzip
import json
import logging
import sys
import time
import warnings
from pathlib import Path

warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)

import lxml.html  # noqa: E402
import newspaper  # noqa: E402
import readability  # noqa: E402
import resiliparse.extract.html2text  # noqa: E402
import trafilatura  # noqa: E402


def by_trafilatura(page, url, **options):
    return trafilatura.extract(page, url=url, include_comments=False, **options) or ""


def by_readability(page, _url):
    return "\n".join(lxml.html.fromstring(readability.Document(page).summary(html_partial=True)).itertext())


def by_newspaper(page, url):
    article = newspaper.Article(url, fetch_images=False)
    article.download(input_html=page)
    article.parse()
    return article.text


def by_resiliparse(page, _url):
    return resiliparse.extract.html2text.extract_plain_text(page, main_content=True)


TOOLS = {
    "trafilatura": by_trafilatura,
    "trafilatura fast": lambda page, url: by_trafilatura(page, url, fast=True),
    "trafilatura precision": lambda page, url: by_trafilatura(page, url, favor_precision=True),
    "readability-lxml": by_readability,
    "newspaper4k": by_newspaper,
    "resiliparse": by_resiliparse,
}


def main():
    gc.freeze()
    for number, line in enumerate(sys.stdin):
        asked = json.loads(line)
        page = gzip.decompress(Path(asked["page"]).read_bytes()).decode("utf-8", "replace")
        names = [name for name in TOOLS if name in asked["tools"]]
        found = {}
        for place in range(len(names)):
            name = names[(place + number) % len(names)]
            started = time.process_time()
            try:
                text = TOOLS[name](page, asked["url"])
            except Exception:  # noqa: BLE001
                text = ""
            found[name] = [text, time.process_time() - started]
        print(json.dumps(found), flush=True)


main()
