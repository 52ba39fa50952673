# SPDX-License-Identifier: Apache-2.0
"""Every setting of the s3 plugin has a test that sees what it does: in C against scripted servers, or here and in live/."""
import re

import harness

S3, HTTP, LIVE = "tests/plugins/s3/", "tests/plugins/common/", "tests/live/"
EFFECTS = {
    "bucket": (S3 + "test_endpoint.c", "hosts_and_paths"),
    "region": (S3 + "test_endpoint.c", "order_of_regions"),
    "endpoint": (S3 + "test_endpoint.c", "order_of_endpoints"),
    "addressing": (S3 + "test_endpoint.c", "hosts_and_paths"),
    "dualstack": (S3 + "test_endpoint.c", "hosts_and_paths"),
    "fips": (S3 + "test_endpoint.c", "hosts_and_paths"),
    "access_key_id": (S3 + "test_creds.c", "the_config_comes_first"),
    "secret_access_key": (LIVE + "test_s3_errors.py", "test_credentials_of_the_config_come_by_reference"),
    "session_token": (S3 + "test_put.c", "defaults_of_the_store_and_a_session_token"),
    "profile": (LIVE + "test_s3_errors.py", "test_a_profile_serves"),
    "anonymous": (S3 + "test_credentials_of_requests.c", "anonymous_is_not_signed"),
    "checksum": (S3 + "test_checksum.c", "each_form"),
    "storage_class": (S3 + "test_put.c", "defaults_of_the_store_and_a_session_token"),
    "sse": (S3 + "test_put.c", "one_request_with_all_that_was_asked"),
    "sse_kms_key_id": (S3 + "test_put.c", "one_request_with_all_that_was_asked"),
    "expected_bucket_owner": (S3 + "test_put.c", "one_request_with_all_that_was_asked"),
    "requester_pays": (S3 + "test_put.c", "one_request_with_all_that_was_asked"),
    "ca_file": (LIVE + "test_s3_tls.py", "test_a_server_with_a_certificate_of_its_own_is_trusted_by_ca_file"),
    "client_cert": (LIVE + "test_s3_tls.py", "test_a_client_certificate_is_shown_where_it_is_asked_for"),
    "client_key": (LIVE + "test_s3_tls.py", "test_a_client_certificate_is_shown_where_it_is_asked_for"),
    "proxy": (HTTP + "test_http_session.c", "through_a_proxy"),
    "connect_timeout": (HTTP + "test_http_wait.c", "connecting_takes_too_long"),
    "stall_timeout": (HTTP + "test_http_wait.c", "a_stall_ends_a_request"),
}


def test_every_setting_has_a_test_of_its_effect(run):
    info = run("plugin", "info", "s3", "--json").json()
    assert {option["key"] for option in info["options"]} == set(EFFECTS)
    for key, (path, name) in EFFECTS.items():
        text = (harness.REPO / path).read_text()
        assert re.search(rf"START_TEST\({name}\)|^def {name}\(", text, re.MULTILINE), f"{key}: {path} has no test {name}"


def test_every_setting_of_others_is_refused_with_the_nearest_name(run):
    refused = run("list", "--dest", "s3://bucket", "-o", "checksums=md5", check=harness.USAGE)
    assert "unknown key 'checksums' for plugin s3: did you mean 'checksum'?" in refused.stderr
