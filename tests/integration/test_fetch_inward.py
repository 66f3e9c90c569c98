"""In a world where every address is this machine and every connection is seen: no address that a stranger writes leads inward."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PUBLIC = "93.184.216.34"

SPELLINGS = """
    127.0.0.1 127.1 127.0.1 127.0.0.1. 2130706433 0x7f000001 0x7f.1 0177.0.0.1 017700000001 0 0.0.0.0 127.255.255.254
    １２７.0.0.1 127。0。0。1 ①②⑦.⓪.⓪.① 10.0.0.1 172.16.0.1 192.168.1.1 169.254.169.254 100.64.0.1 198.18.0.1 224.0.0.1
    255.255.255.255 [::] [::1] [::ffff:127.0.0.1] [::ffff:7f00:1] [::ffff:0:127.0.0.1] [::127.0.0.1] [64:ff9b::127.0.0.1]
    [2002:7f00:1::] [2001:0:7f00:1::1] [fe80::1] [fc00::1] [fec0::1] [ff02::1] localhost public.example@127.0.0.1
    private.example metadata.example cgnat.example loopback.example loopback6.example mapped.example nat64.example ula.example
    mixed.example mixed6.example
""".split()  # noqa: SIM905  # a table reads better than a list here
PORTS = ("", ":22", ":6379", ":8080")
HOSTILE = [f"http://{host}{PORTS[number % 4]}/" for number, host in enumerate(SPELLINGS)]
# Not every target of a redirect is an address to be asked at all; those that are none end as a redirect error.
REDIRECTS = [
    "http://127.0.0.1/",
    "//127.1/",
    "http://[::1]:6379/",
    "http://metadata.example/",
    "http://2130706433/",
    "https://10.0.0.1/",
]
NO_ADDRESS = ["file:///etc/passwd", "gopher://127.0.0.1:70/", "javascript:alert(1)", "data:text/html,x", "ftp://127.0.0.1/"]


def run(urls):
    prefix = ["unshare", "--net", "--mount"] + ([] if os.geteuid() == 0 else ["--map-root-user"])
    command = [*prefix, sys.executable, "-m", "tests.integration.inward", *urls]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=90, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr.strip()[-500:])
    return {line["url"]: line for line in map(json.loads, done.stdout.splitlines())}


def _cannot(why):
    """Skipped on a laptop, a failure in CI."""
    (pytest.fail if os.environ.get("CI") else pytest.skip)(why)


@pytest.fixture(scope="module")
def seen():
    if not (shutil.which("unshare") and shutil.which("ip") and shutil.which("mount")):
        _cannot("needs unshare, ip and mount")
    to = [f"http://public.example/to?{target}" for target in (*REDIRECTS, *NO_ADDRESS)]
    try:
        return run(
            [
                *HOSTILE,
                *to,
                "http://rebinding.example/",
                "http://rebinding.example/to?http://rebinding.example/x",
                "http://public.example/",
            ]
        )
    except RuntimeError as error:
        if "Operation not permitted" in str(error):
            _cannot("namespaces may not be made here")
        raise


def test_a_public_address_is_connected_to_and_seen(seen):
    line = seen["http://public.example/"]
    assert (line["outcome"], line["connected"]) == ("200", [PUBLIC])


def test_there_are_more_hostile_addresses_than_anybody_tries():
    assert len(HOSTILE) + len(REDIRECTS) + len(NO_ADDRESS) >= 37


@pytest.mark.parametrize("url", HOSTILE)
def test_no_spelling_of_an_inward_address_is_connected_to(seen, url):
    line = seen[url]
    assert line["connected"] == []
    assert line["outcome"] in ("blocked_address", "protocol_error")


@pytest.mark.parametrize("target", REDIRECTS)
def test_no_redirect_leads_inward(seen, target):
    line = seen[f"http://public.example/to?{target}"]
    assert line["connected"] == [PUBLIC]
    assert line["outcome"] == "blocked_address"


@pytest.mark.parametrize("target", NO_ADDRESS)
def test_no_redirect_leads_to_what_is_no_http_address(seen, target):
    line = seen[f"http://public.example/to?{target}"]
    assert line["connected"] == [PUBLIC]
    assert line["outcome"] == "redirect_error"


def test_a_name_is_looked_up_once_for_a_connection_which_goes_to_what_was_judged(seen):
    line = seen["http://rebinding.example/"]
    assert (line["outcome"], line["connected"], line["lookups"]) == ("200", [PUBLIC], {"rebinding.example": 1})


def test_a_name_that_turns_inward_is_refused_at_the_next_connection(seen):
    line = seen["http://rebinding.example/to?http://rebinding.example/x"]
    assert (line["outcome"], line["connected"]) == ("blocked_address", [PUBLIC])
