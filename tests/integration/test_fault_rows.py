"""Faults of an exchange by number: where each is shown. A row names the tests that stage it and say what must happen.

The numbers are those of the list that SECURITY.md speaks of: what a hostile or broken server, name or address can do.
"""

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
INWARD, GUARD, FETCH = "integration/test_fetch_inward.py", "integration/test_fetch_guard.py", "integration/test_fetch.py"
LIMITS, REDIRECTS, SECRETS = (f"integration/test_fetch_{name}.py" for name in ("limits", "redirects", "secrets"))
BROKEN = f"{FETCH}::test_broken_answers_have_their_names"

ROWS = {
    "1 inward literals in every spelling": [f"{INWARD}::test_no_spelling_of_an_inward_address_is_connected_to"],
    "2 names that lead inward": [f"{INWARD}::test_no_spelling_of_an_inward_address_is_connected_to"],
    "3 public and inward answers together": [f"{GUARD}::test_one_private_address_among_public_ones_spoils_a_name"],
    "4 rebinding": [f"{INWARD}::test_a_name_is_looked_up_once_for_a_connection_which_goes_to_what_was_judged"],
    "5 NAT64, 6to4, Teredo, compatible, mapped": [f"{GUARD}::test_special_addresses_are_not_public"],
    "6 redirects inward": [f"{INWARD}::test_no_redirect_leads_inward"],
    "7 redirects to what is no http": [f"{INWARD}::test_no_redirect_leads_to_what_is_no_http_address"],
    "8 every purpose": [f"{GUARD}::test_every_purpose_is_guarded"],
    "9 a private proxy": [f"{GUARD}::test_a_private_proxy_is_used_and_what_lies_behind_it_is_judged"],
    "10 the allow list": [f"{GUARD}::test_an_allowed_address_may_be_asked_and_no_other"],
    "11 logins in addresses": [
        f"{SECRETS}::test_the_login_in_an_address_goes_to_its_origin_and_not_into_the_request_line",
        f"{SECRETS}::test_no_failure_tells_a_secret",
    ],
    "12 secrets across hosts and out of TLS": [
        f"{SECRETS}::test_no_other_origin_gets_them",
        "integration/test_fetch_manners.py::test_no_secret_follows_a_redirect_out_of_tls",
    ],
    "13 cookies": [f"{SECRETS}::test_cookies_of_a_site_are_not_kept"],
    "14 line ends in what is sent": [
        f"{FETCH}::test_validators_that_cannot_be_sent_are_left_out",
        "integration/test_fetch_transport.py::test_a_request_that_would_not_stay_one_is_not_sent",
    ],
    "15 validators that are no ASCII": [f"{FETCH}::test_an_odd_etag_goes_back_byte_for_byte"],
    "16 hosts that are none": [f"{FETCH}::test_what_is_no_http_address_is_not_asked"],
    "17 gzip bombs": [f"{LIMITS}::test_a_bomb_is_stopped_at_the_cap", f"{LIMITS}::test_memory_is_bounded_on_every_bomb"],
    "18 bombs that nobody asked for": [BROKEN, f"{LIMITS}::test_memory_is_bounded_on_every_bomb"],
    "19 odd encodings": [BROKEN],
    "20 a gzip body cut short": [BROKEN],
    "21 a body cut short": [BROKEN],
    "22 lengths that disagree": [BROKEN, f"{FETCH}::test_what_follows_the_declared_length_is_not_part_of_the_body"],
    "23 bad chunks": [BROKEN],
    "24 resets, silence, garbage": [BROKEN],
    "25 heads without end": [BROKEN],
    "26 1xx without end": [f"{FETCH}::test_whatever_takes_too_long_is_ended"],
    "27 drips": [f"{FETCH}::test_whatever_takes_too_long_is_ended"],
    "28 bodies without end": [f"{LIMITS}::test_an_endless_body_is_stopped_at_the_cap"],
    "29 redirects that lead nowhere": [
        f"{REDIRECTS}::test_redirects_in_circles_end_at_once",
        f"{REDIRECTS}::test_growing_redirects_end_after_the_allowed_number",
        f"{REDIRECTS}::test_a_redirect_that_names_no_place_is_refused",
    ],
    "30 HTTP/2 is never spoken": [f"{SECRETS}::test_http_2_is_not_offered"],
    "31 TLS": [
        f"{SECRETS}::test_a_bad_certificate_is_refused_with_the_reason",
        f"{SECRETS}::test_an_expired_certificate_is_refused_although_it_is_trusted",
        f"{SECRETS}::test_plain_http_where_tls_is_expected_is_a_tls_error",
    ],
    "32 name servers": [
        f"{GUARD}::test_a_name_that_cannot_be_resolved_is_a_dns_error",
        f"{GUARD}::test_a_name_server_that_never_answers_is_a_dns_error",
        "integration/test_fetch_transport.py::test_lookups_that_hang_do_not_use_up_the_threads_of_others",
    ],
    "33 one family of addresses is broken": [
        f"{GUARD}::test_the_next_address_is_tried_when_one_does_not_answer",
        "integration/test_fetch_transport.py::test_a_silent_address_does_not_hold_up_the_next",
    ],
    "34 odd 304s and validators that lie": [
        f"{FETCH}::test_a_304_with_a_body_does_not_spoil_the_next_request",
        f"{FETCH}::test_a_304_nobody_asked_for_is_a_fault",
        "unit/test_decide_feed.py::test_other_entries_under_the_same_validators_prove_that_304_lies",
    ],
    "35 gone, not found, too many": [
        "unit/test_decide_feed.py::test_a_410_slows_the_feed_down_to_a_day_before_it_ends_it",
        "unit/test_decide_feed.py::test_retry_after_holds_the_host_and_the_feed_back_and_teaches_the_hosts_gap",
    ],
    "36 challenges": [f"{FETCH}::test_a_challenge_for_browsers_is_called_one"],
    "37 pages at a feed's address": ["unit/parse/test_sniff.py::test_other_documents_are_named"],
}


@pytest.mark.parametrize("row", ROWS)
def test_every_fault_is_staged_somewhere(row: str) -> None:
    for place in ROWS[row]:
        path, _, name = place.partition("::")
        tree = ast.parse((TESTS / path).read_text("utf-8"))
        assert name in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}, place


def test_no_number_is_left_out() -> None:
    assert [int(row.split()[0]) for row in ROWS] == list(range(1, 38))
