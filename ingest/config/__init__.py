"""Configuration: what the command line, the environment and two files say, as one frozen `Settings`.

    load      the whole: files + environment + command line → Settings, or ConfigError with every problem found
    known     every setting by name, with its environment name and nearest relatives
    toml      a TOML file and the line each of its keys stands on
    lines     those line numbers: tomllib gives none
    values    one raw value → one checked value
    rules     what some settings ask of their value beyond type and range
    layers    settings from a file, from the environment, from the command line: each a layer, the later one wins
    feedfile  the feed list when it is a TOML file
    template  the text of config/ingest.toml
    dump      the effective settings, secrets masked
    changes   what differs between two loads

An OPML file or URL as feed list is only recognised here; reading it needs the network and belongs to the caller.
"""

from ingest.config.changes import Change, changed
from ingest.config.dump import dump, dump_text
from ingest.config.load import load
from ingest.config.mask import mask_url
from ingest.config.settings import ConfiguredFeed, FeedList, Settings
from ingest.config.template import template

__all__ = ["Change", "ConfiguredFeed", "FeedList", "Settings", "changed", "dump", "dump_text", "load", "mask_url", "template"]
