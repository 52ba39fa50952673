# SPDX-License-Identifier: Apache-2.0
"""What is wrong with credentials, bucket, endpoint or clock is told with its exit status, its place and the way out."""
import json
import pathlib

import pytest

import harness
import servers

WRONG = "not/the+secret=at_all"


@pytest.fixture
def backup(signed, files):
    """backup(store, *words, **how): a run that ends with an error; its report. No secret is ever told."""
    source = files({"a": b"content"})

    def fails(store, *words, check, **how):
        result = signed("backup", *store.words(), "--source", f"data={source}", "--json", *words, check=check, **how)
        report = result.json()
        assert report["status"] in ("failed", "timeout") and report["error"]["text"] in result.stderr
        assert WRONG not in result.stdout + result.stderr and servers.SECRET not in result.stdout + result.stderr
        return report["error"]
    return fails


def credentials_file(run, secret):
    """The default profile, in the home of runs."""
    path = run.folder / "home" / ".aws" / "credentials"
    path.parent.mkdir()
    path.write_text(f"[default]\naws_access_key_id = {servers.ACCESS}\naws_secret_access_key = {secret}\n")
    return path


NO_VARIABLES = {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}


# --- credentials ---


def test_a_wrong_secret_is_told_with_where_it_came_from(backup, strict):
    error = backup(strict, check=harness.DENIED, env={"AWS_SECRET_ACCESS_KEY": WRONG})
    assert error["class"] == "auth" and error["status"] == 403 and "AWS_ACCESS_KEY_ID" in error["text"]
    assert strict.sizes() == {}


def test_an_unknown_key_is_told_with_where_it_came_from(backup, strict):
    error = backup(strict, check=harness.DENIED, env={"AWS_ACCESS_KEY_ID": "AKIDUNKNOWN"})
    assert error["class"] == "auth" and error["status"] == 403 and "AWS_ACCESS_KEY_ID" in error["text"]


def test_a_wrong_secret_of_a_profile_is_told_with_its_file(backup, signed, strict):
    path = credentials_file(signed, WRONG)
    error = backup(strict, check=harness.DENIED, env=NO_VARIABLES)
    assert error["class"] == "auth" and str(path) in error["text"] and "default" in error["text"]


def test_no_credentials_at_all_are_told_with_all_places_that_were_looked_at(backup, strict):
    error = backup(strict, check=harness.DENIED, env=NO_VARIABLES)
    for place in ("access_key_id", "AWS_ACCESS_KEY_ID", ".aws/credentials"):
        assert place in error["text"]


def test_half_a_pair_is_told(backup, strict):
    error = backup(strict, check=harness.DENIED, env={"AWS_SECRET_ACCESS_KEY": None})
    assert error["class"] == "auth" and "AWS_SECRET_ACCESS_KEY" in error["text"]


def test_a_profile_serves(signed, strict, files):
    credentials_file(signed, servers.SECRET)
    signed.env.update(NO_VARIABLES)
    harness.Site(signed, strict, {"data": files({"a": b"1"})}).backup()


@pytest.mark.parametrize("secret", [servers.SECRET, WRONG])
def test_credentials_of_the_config_come_by_reference(signed, strict, files, secret):
    path = signed.folder / "secret"
    path.write_text(secret + "\n")
    path.chmod(0o600)
    signed.env.update(NO_VARIABLES)
    strict.destination.update(access_key_id=servers.ACCESS, secret_access_key={"file": str(path)})
    site = harness.Site(signed, strict, {"data": files({"a": b"1"})})
    result = site("backup", "--json", check=harness.DONE if secret == servers.SECRET else harness.DENIED)
    if secret == WRONG:
        assert "config" in result.json()["error"]["text"] and secret not in result.stdout + result.stderr


def test_a_secret_on_the_command_line_is_refused(signed, strict):
    for key in ("secret_access_key", "session_token"):
        result = signed("list", *strict.words(), "-o", f"{key}={WRONG}", check=harness.USAGE)
        assert key in result.stderr and WRONG not in result.stderr


def test_who_may_only_read_can_restore_and_is_told_that_he_may_not_write(signed, backup, strict, versitygw, files, tmp_path):
    harness.Site(signed, strict, {"data": files({"a": b"1"})}).backup()
    stored = strict.sizes()
    user = f"READER{strict.bucket}"
    servers.add_user(versitygw, user, "secretofreader")
    environment = {"AWS_ACCESS_KEY_ID": user, "AWS_SECRET_ACCESS_KEY": "secretofreader"}
    error = backup(strict, check=harness.DENIED, env=environment)
    assert error["class"] == "denied" and error["status"] == 403 and "AWS_ACCESS_KEY_ID" in error["text"]
    strict.allow(user, "GetObject", "ListBucket")
    signed("verify", "--deep", *strict.words(), env=environment)
    signed("restore", "latest", "--to", tmp_path / "restored", *strict.words(), env=environment)
    error = backup(strict, check=harness.DENIED, env=environment)
    assert error["class"] == "denied" and strict.sizes() == stored


def test_anonymous_is_only_what_the_config_asks_for(signed, backup, bucket, gofakes3, strict, files):
    open_to_all = bucket(gofakes3, anonymous=True)
    signed.env.update(NO_VARIABLES)
    harness.Site(signed, open_to_all, {"data": files({"a": b"1"})}).backup()
    error = backup(strict, "-o", "anonymous=true", check=harness.DENIED)
    assert error["class"] in ("denied", "auth")


@pytest.mark.parametrize("command", [["list"], ["verify"], ["verify", "--deep"], ["restore", "latest", "--to", "out"]],
                         ids=" ".join)
def test_reading_commands_end_likewise(signed, strict, command, tmp_path):
    result = signed(*command, *strict.words(), check=harness.DENIED, env={"AWS_SECRET_ACCESS_KEY": WRONG}, cwd=tmp_path)
    assert "AWS_ACCESS_KEY_ID" in result.stderr and WRONG not in result.stderr


# --- where it goes to ---


def test_a_bucket_that_is_not_there_is_named(backup, store):
    store.client.xml("DELETE", f"/{store.bucket}")
    error = backup(store, check=harness.FAILED)
    assert f"bucket {store.bucket}" in error["text"] or f"bucket '{store.bucket}'" in error["text"]


@pytest.fixture
def impatient(signed):
    """Words for a run that does not try for long."""
    path = signed.folder / "impatient.json"
    path.write_text(json.dumps({"timeout": f"{3 * harness.SLOWNESS}s"}))
    return ["--config", path]


def test_an_endpoint_where_nobody_listens_is_named(backup, strict, impatient):
    address = f"127.0.0.1:{servers.free_port()}"
    strict.through(f"http://{address}")
    error = backup(strict, *impatient, check=harness.FAILED)
    assert f"cannot connect to {address}" in error["text"] and error["class"] in ("transient", "cancelled")


def test_a_proxy_where_nobody_listens_is_named(backup, strict, impatient):
    address = f"127.0.0.1:{servers.free_port()}"
    error = backup(strict, *impatient, "-o", f"proxy=http://{address}", check=harness.FAILED)
    assert f"cannot connect to the proxy {address}" in error["text"] and error["class"] in ("transient", "cancelled")


def test_the_environments_proxy_is_used_and_the_option_turns_it_off(backup, signed, strict, impatient, files):
    address = f"127.0.0.1:{servers.free_port()}"
    signed.env.update(http_proxy=f"http://{address}")
    assert f"the proxy {address}" in backup(strict, *impatient, check=harness.FAILED)["text"]
    strict.destination["proxy"] = ""
    harness.Site(signed, strict, {"data": files({"a": b"1"})}).backup()


def test_a_region_that_is_not_the_servers_is_corrected_or_told(signed, strict, files):
    strict.destination["region"] = "eu-central-7"
    site = harness.Site(signed, strict, {"data": files({"a": b"1"})})
    result = site("backup", "--json", check=(harness.DONE, harness.FAILED, harness.DENIED))
    assert result.returncode == harness.DONE or "region" in result.json()["error"]["text"]


# --- the clock ---


@pytest.mark.big  # a library loaded before all others: no sanitizer goes along with that
@pytest.mark.parametrize("offset", ["-40m", "+40m"])
def test_a_clock_that_is_wrong_is_set_right_by_the_servers(signed, strict, files, tmp_path, offset):
    library, = pathlib.Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")
    clock = {"LD_PRELOAD": library, "FAKETIME": offset, "FAKETIME_DONT_FAKE_MONOTONIC": "1", "NO_FAKE_STAT": "1"}
    site = harness.Site(signed, strict, {"data": files({str(number): b"x" for number in range(20)})})
    site.backup(env=clock)
    site("verify", "--deep", env=clock)
    site.backup()
    site.restore("latest", tmp_path / "restored", env=clock)
    assert len(site.listed()) == 2
