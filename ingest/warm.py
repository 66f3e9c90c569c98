"""What every worker process needs, loaded once: the forkserver imports this module and all workers share what it holds.

Nothing else imports it. Without it each new worker would spend about a second on imports and on the language model.
"""

import ingest.extract.article
import ingest.parse.jsonfeed
import ingest.parse.xmlfeed
import ingest.pipeline
from ingest.extract.classify import load_classifier
from ingest.language import detect

__all__ = ["ingest"]  # imported to be loaded, not to be called

load_classifier()
detect("The model of languages is read when it is first asked, which is now and not in each worker.")
