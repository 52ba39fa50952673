# SPDX-License-Identifier: Apache-2.0
"""The servers do what the other tests rely on them for, seen by our own client and Debian's tools."""
import base64
import hashlib

import pytest

import s3
import servers
import tls


def test_the_strict_server_refuses_wrong_signatures_digests_and_overwriting(strict, versitygw):
    client, key = strict.client, f"/{strict.bucket}/key"
    assert s3.Client(versitygw.endpoint, secret="wrong").request("PUT", key, body=b"x")[0] == 403
    assert s3.Client(versitygw.endpoint, access="AKIDWRONG").request("PUT", key, body=b"x")[0] == 403
    other = base64.b64encode(hashlib.md5(b"other").digest()).decode()
    assert client.request("PUT", key, body=b"x", headers={"Content-MD5": other})[0] == 400
    assert strict.sizes() == {}
    servers.add_user(versitygw, f"USER{strict.bucket}", "secretofuser")
    user = s3.Client(versitygw.endpoint, access=f"USER{strict.bucket}", secret="secretofuser")
    assert user.request("PUT", key, body=b"x")[0] == 403
    strict.allow(user.access, "ListBucket")
    assert user.request("PUT", key, body=b"x")[0] == 403 and user.request("GET", f"/{strict.bucket}")[0] == 200
    assert client.request("PUT", key, body=b"x", headers={"If-None-Match": "*"})[0] == 200
    assert client.request("PUT", key, body=b"y", headers={"If-None-Match": "*"})[0] == 412
    assert strict.read("key") == b"x" and strict.read("other") is None


def test_a_store_is_read_whole_and_an_open_upload_seen(store):
    names = [f"a/{number:04}" for number in range(1003)] + ["odd/ +%41?#&<>\"'\u00e9\U0001f600"]
    for name in names:
        assert store.client.request("PUT", f"/{store.bucket}/{name}", body=name.encode())[0] == 200
    assert store.sizes() == {name: len(name.encode()) for name in names}  # more than a page
    assert store.read(names[-1]) == names[-1].encode()
    assert store.uploads() == []
    store.client.xml("POST", f"/{store.bucket}/large", [("uploads", "")])
    (key, upload), = store.uploads()
    assert key == "large" and store.parts(key, upload) == []
    status, _, _ = store.client.request("PUT", f"/{store.bucket}/large", [("partNumber", 1), ("uploadId", upload)], b"12345")
    assert status == 200 and store.parts(key, upload) == [5]


def test_a_proxy_cuts_what_it_is_told_to(strict, versitygw, toxiproxy):
    proxy = servers.Proxy(toxiproxy, versitygw, strict.bucket)
    client, key = s3.Client(proxy.endpoint), f"/{strict.bucket}/key"
    assert client.request("PUT", key, body=b"x" * 5000)[0] == 200
    proxy.toxic("limit_data", "upstream", bytes=1000)
    with pytest.raises((OSError, s3.http.client.HTTPException)):
        client.request("PUT", key, body=b"y" * 5000)
    proxy.clean()
    assert client.request("PUT", key, body=b"z" * 5000)[0] == 200
    proxy.enable(False)
    with pytest.raises(OSError):
        client.request("GET", key)
    proxy.close()


def test_a_tls_end_is_trusted_by_its_authority_alone(strict, versitygw, tmp_path):
    trusted, other = tls.Authority(tmp_path, "trusted"), tls.Authority(tmp_path, "other")
    terminator = tls.Terminator(versitygw, *trusted.issue("server"))
    client = s3.Client(terminator.endpoint, ca_file=trusted.certificate)
    assert client.request("GET", f"/{strict.bucket}")[0] == 200 and terminator.handshakes == 1
    with pytest.raises(OSError, match="certificate"):
        s3.Client(terminator.endpoint, ca_file=other.certificate).request("GET", "/")
    terminator.close()
    asking = tls.Terminator(versitygw, *trusted.issue("asking"), clients=trusted.certificate)
    client = s3.Client(asking.endpoint, ca_file=trusted.certificate)
    with pytest.raises(OSError):
        client.request("GET", f"/{strict.bucket}")
    client.tls.load_cert_chain(*trusted.issue("client"))
    assert client.request("GET", f"/{strict.bucket}")[0] == 200 and asking.handshakes == 1
    asking.close()


def test_an_old_tls_end_serves_who_takes_it(strict, versitygw, tmp_path):
    authority = tls.Authority(tmp_path, "trusted")
    terminator = tls.Terminator(versitygw, *authority.issue("old"), old=True)
    client = s3.Client(terminator.endpoint, ca_file=authority.certificate)
    with pytest.raises(OSError):
        client.request("GET", f"/{strict.bucket}")
    tls.take_old_versions(client.tls, maximum=False)
    assert client.request("GET", f"/{strict.bucket}")[0] == 200 and terminator.handshakes == 1
    terminator.close()
