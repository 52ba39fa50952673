# SPDX-License-Identifier: Apache-2.0
"""The sink that other tests count with: what it keeps, lists, refuses and counts."""
import base64
import hashlib
import time
import urllib.parse
import xml.etree.ElementTree

import pytest

FIVE_MIB = 5 << 20


@pytest.fixture
def server(start_sink):
    return start_sink("--keep", 1 << 20)


def texts(document, name):
    return [element.text or "" for element in xml.etree.ElementTree.fromstring(document).iter() if element.tag.endswith(name)]


def pages(server, **params):
    """All pages of a list: (keys, common prefixes) of each."""
    found = []
    while True:
        query = urllib.parse.urlencode(params, quote_via=urllib.parse.quote)
        status, _, data = server.ask("GET", f"/bucket?list-type=2&{query}")
        assert status == 200, data
        inside = texts(data, "Prefix")[1:]  # the first repeats the request's
        found.append((texts(data, "Key"), inside))
        if texts(data, "IsTruncated") == ["false"]:
            return found
        params["continuation-token"] = texts(data, "NextContinuationToken")[0]


def test_lists_come_in_pages_sorted_by_bytes(server):
    keys = ["a-b", "a/b", "a/c", "a0", "b", "é", "z z", "x&<y>"]
    for key in keys:
        server.put(key)
    found = pages(server, **{"max-keys": 3})
    assert [len(page[0]) for page in found] == [3, 3, 2]
    assert sum((page[0] for page in found), []) == sorted(keys, key=str.encode)
    assert pages(server, prefix="a/") == [(["a/b", "a/c"], [])]
    assert pages(server, **{"start-after": "a/b"})[0][0][:2] == ["a/c", "a0"]
    assert pages(server, prefix="é", **{"encoding-type": "url"}) == [(["%C3%A9"], [])]


def test_a_list_rolls_up_what_is_behind_the_delimiter(server):
    for key in ("a/1", "a/2", "b", "c/1", "c/d/2", "d"):
        server.put(key)
    assert pages(server, delimiter="/") == [(["b", "d"], ["a/", "c/"])]
    assert pages(server, delimiter="/", **{"max-keys": 1}) == [([], ["a/"]), (["b"], []), ([], ["c/"]), (["d"], [])]
    assert pages(server, delimiter="/", prefix="c/") == [(["c/1"], ["c/d/"])]


def test_version_1_of_the_list_goes_on_at_its_marker(server):
    for key in ("a/1", "a/2", "b"):
        server.put(key)
    data = server.ask("GET", "/bucket?delimiter=/&max-keys=1")[2]
    assert texts(data, "IsTruncated") == ["true"] and texts(data, "NextMarker") == ["a/"]
    data = server.ask("GET", "/bucket?delimiter=/&max-keys=1&marker=a/")[2]
    assert texts(data, "IsTruncated") == ["false"] and texts(data, "Key") == ["b"]


def test_conditions(server):
    assert server.ask("PUT", "/bucket/key", b"1", {"If-None-Match": "*"})[0] == 200
    status, _, data = server.ask("PUT", "/bucket/key", b"22", {"If-None-Match": "*"})
    assert status == 412 and texts(data, "Code") == ["PreconditionFailed"]
    etag = server.ask("HEAD", "/bucket/key")[1]["ETag"]
    assert server.ask("PUT", "/bucket/key", b"333", {"If-Match": etag})[0] == 200
    assert server.ask("PUT", "/bucket/key", b"4444", {"If-Match": etag})[0] == 412
    assert server.ask("GET", "/bucket/key", headers={"If-Match": etag})[0] == 412
    assert server.ask("PUT", "/bucket/none", b"", {"If-Match": etag})[0] == 404
    assert server.ask("GET", "/bucket/key")[2] == b"333"
    assert server.stats()["puts_max"] == 4


def test_an_object_comes_back_with_what_it_was_given(server):
    headers = {"x-amz-meta-run": "7", "Content-Type": "a/b", "x-amz-checksum-crc32c": "4waSgw=="}  # of "123456789"
    answer = server.ask("PUT", "/bucket/a%20b", b"123456789", headers)
    assert answer[0] == 200 and answer[1]["x-amz-checksum-crc32c"] == "4waSgw==" and answer[1]["Date"]
    status, got, data = server.ask("GET", "/bucket/a%20b", headers={"x-amz-checksum-mode": "ENABLED"})
    assert (status, data) == (200, b"123456789")
    assert all(got[name] == value for name, value in headers.items())
    status, got, data = server.ask("HEAD", "/bucket/a%20b")
    assert (status, got["Content-Length"], data) == (200, "9", b"")
    ranges = {"bytes=2-4": b"345", "bytes=7-": b"89", "bytes=-3": b"789", "bytes=5-99": b"6789"}
    for text, part in ranges.items():
        status, got, data = server.ask("GET", "/bucket/a%20b", headers={"Range": text})
        assert (status, data) == (206, part) and got["Content-Range"].endswith("/9")
    assert server.ask("GET", "/bucket/a%20b", headers={"Range": "bytes=9-"})[0] == 416


def test_digests_of_what_is_kept_are_checked(server):
    wrong = {"x-amz-checksum-crc32c": "AAAAAA=="}, {"x-amz-content-sha256": hashlib.sha256(b"other").hexdigest()}
    for headers in wrong:
        assert server.ask("PUT", "/bucket/key", b"123456789", headers)[0] == 400
    assert server.ask("PUT", "/bucket/key", b"other", wrong[1])[0] == 200
    assert server.stats()["objects"] == 1


def test_what_is_missing_says_so(server):
    status, _, data = server.ask("GET", "/bucket/none")
    assert status == 404 and texts(data, "Code") == ["NoSuchKey"]
    status, _, data = server.ask("GET", "/other?list-type=2")
    assert status == 404 and texts(data, "Code") == ["NoSuchBucket"]
    assert server.ask("PUT", "/other")[0] == 200
    assert server.ask("HEAD", "/other")[0] == 200


def test_only_bodies_up_to_keep_and_own_ones_are_kept(start_sink):
    server = start_sink("--keep", 10)
    server.put("small", b"x" * 10)
    server.put("large", b"x" * 11)
    server.put("huge", b"x" * (3 << 20))
    server.put("p/.snapferry/points/1", b"y" * (3 << 20))
    assert server.ask("GET", "/bucket/small")[2] == b"x" * 10
    for key in ("large", "huge"):
        status, _, data = server.ask("GET", f"/bucket/{key}")
        assert status == 501 and b"--keep" in data
    assert server.ask("HEAD", "/bucket/huge")[1]["Content-Length"] == str(3 << 20)
    assert server.ask("GET", "/bucket/p/.snapferry/points/1")[2] == b"y" * (3 << 20)


def part_list(tags):
    parts = (f"<Part><PartNumber>{number}</PartNumber><ETag>{tag}</ETag></Part>" for number, tag in tags.items())
    return f"<CompleteMultipartUpload>{''.join(parts)}</CompleteMultipartUpload>".encode()


def test_a_multipart_upload(server):
    own = "/bucket/.snapferry/large"
    upload = texts(server.ask("POST", f"{own}?uploads", headers={"x-amz-meta-run": "7"})[2], "UploadId")[0]
    bodies = {1: b"1" * FIVE_MIB, 2: b"2" * FIVE_MIB, 3: b"3"}
    tags, codes = {}, []
    for number, body in bodies.items():
        status, headers, _ = server.ask("PUT", f"{own}?partNumber={number}&uploadId={upload}", body)
        assert status == 200
        tags[number] = headers["ETag"]
    assert texts(server.ask("GET", "/bucket?uploads")[2], "UploadId") == [upload]

    def commit(*numbers, known=tags):
        return server.ask("POST", f"{own}?uploadId={upload}", part_list({number: known[number] for number in numbers}))
    for status, _, data in (commit(2, 1), commit(), commit(1, 2, known={1: tags[1], 2: tags[1]})):
        assert status == 400
        codes += texts(data, "Code")
    assert codes == ["InvalidPartOrder", "MalformedXML", "InvalidPart"]
    status, _, data = commit(1, 2, 3)
    assert status == 200 and texts(data, "ETag")[0].endswith('-3"')
    assert server.ask("GET", own)[2] == b"".join(bodies.values())
    assert server.ask("HEAD", own)[1]["x-amz-meta-run"] == "7"
    assert server.ask("PUT", f"{own}?partNumber=1&uploadId={upload}", b"")[0] == 404
    stats = server.stats()
    assert stats["uploads"] == 0 and stats["requests"]["upload_part"] == 4 and stats["requests"]["upload_begin"] == 1


def test_parts_but_the_last_have_a_least_size(server):
    upload = texts(server.ask("POST", "/bucket/large?uploads")[2], "UploadId")[0]
    tags = {number: server.ask("PUT", f"/bucket/large?partNumber={number}&uploadId={upload}", b"x")[1]["ETag"] for number in (1, 2)}
    data = server.ask("POST", f"/bucket/large?uploadId={upload}", part_list(tags))[2]
    assert texts(data, "Code") == ["EntityTooSmall"]
    assert server.stats()["uploads"] == 1
    assert server.ask("DELETE", f"/bucket/large?uploadId={upload}")[0] == 204
    assert server.stats()["uploads"] == 0


def test_remove_and_copy(server):
    for key in ("a", "b<&", "c"):
        server.put(key, b"body", **{"x-amz-meta-run": "7"})
    assert server.ask("PUT", "/bucket/copy", headers={"x-amz-copy-source": "/bucket/b%3C%26"})[0] == 200
    assert server.ask("PUT", "/bucket/copy2", headers={"x-amz-copy-source": "bucket/none"})[0] == 404
    status, headers, data = server.ask("GET", "/bucket/copy")
    assert (status, data, headers["x-amz-meta-run"]) == (200, b"body", "7")
    body = b"<Delete><Object><Key>a</Key></Object><Object><Key>b&lt;&amp;</Key></Object></Delete>"
    assert texts(server.ask("POST", "/bucket?delete", body)[2], "Key") == ["a", "b<&"]
    assert server.ask("POST", "/bucket?delete", b"<Delete><Object>")[0] == 400
    assert server.ask("DELETE", "/bucket/c")[0] == 204
    assert server.ask("DELETE", "/bucket/c")[0] == 204
    assert pages(server) == [(["copy"], [])]
    assert server.stats()["bytes"] == 4


def test_bodies_in_chunks(server):
    wire = b"5;chunk-signature=00\r\nhello\r\n1;chunk-signature=11\r\n!\r\n0;chunk-signature=22\r\n\r\n"
    streaming = {"x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "x-amz-decoded-content-length": "6"}
    assert server.ask("PUT", "/bucket/aws", wire, streaming)[0] == 200
    assert server.ask("PUT", "/bucket/http", iter([b"hel", b"lo!"]))[0] == 200  # no length: Transfer-Encoding: chunked
    assert server.ask("PUT", "/bucket/both", iter([wire[:30], wire[30:]]), streaming)[0] == 200
    for key in ("aws", "http", "both"):
        assert server.ask("GET", f"/bucket/{key}")[2] == b"hello!"


def test_connections_are_kept_and_counted_at_their_first_request(server):
    one, two, idle = server.connect(), server.connect(), server.connect()
    idle.connect()
    for number in range(3):
        for connection in (one, two):
            assert server.ask("PUT", f"/bucket/{number}", b"x", connection=connection)[0] == 200
    stats = server.stats()
    assert stats["connections"] == 2 and stats["requests"]["put"] == 6 and stats["puts_max"] == 2 and stats["received"] == 6
    server.reset()
    stats = server.stats()
    assert stats["connections"] == 0 and stats["requests"]["put"] == 0 and stats["puts_max"] == 0 and stats["objects"] == 3
    server.clear()
    assert server.stats()["objects"] == 0
    for connection in (one, two, idle):
        connection.close()


def test_a_large_body_is_asked_for_and_dropped(server):
    connection = server.connect()
    connection.putrequest("PUT", "/bucket/large")
    connection.putheader("Content-Length", str(64 << 20))
    connection.putheader("Expect", "100-continue")
    connection.endheaders()
    assert connection.sock.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
    for _ in range(64):
        connection.send(bytes(1 << 20))
    assert connection.getresponse().status == 200
    assert server.stats()["bytes"] == 64 << 20
    connection.close()


def test_faults_come_as_the_seed_says(start_sink):
    def statuses(*args):
        server = start_sink("--fail-503", 30, *args)
        connection = server.connect()
        found = [server.ask("PUT", f"/bucket/{number}", b"x", connection=connection) for number in range(100)]
        connection.close()
        stats = server.stats()
        assert stats["unavailable"] == sum(status == 503 for status, _, _ in found) == 100 - stats["objects"]
        return [status for status, _, _ in found], {data for status, _, data in found if status == 503}
    first, bodies = statuses("--seed", 5)
    assert 0 < first.count(503) < 100 and bodies == {b""}
    again, bodies = statuses("--seed", 5, "--slowdown")
    assert again == first and all(b"<Code>SlowDown</Code>" in body for body in bodies)
    assert statuses("--seed", 6)[0] != first


def test_crc32c_can_be_refused_and_left_out(start_sink):
    headers = {"x-amz-checksum-crc32c": base64.b64encode(bytes(4)).decode()}
    refusing, silent = start_sink("--refuse", "crc32c"), start_sink("--no-echo")
    assert refusing.ask("PUT", "/bucket/key", b"", headers)[0] == 501
    assert refusing.ask("PUT", "/bucket/key", b"")[0] == 200
    status, got, _ = silent.ask("PUT", "/bucket/key", b"", headers)
    assert status == 200 and "x-amz-checksum-crc32c" not in got


def test_latency_is_an_answers_own(start_sink):
    server = start_sink("--latency", 50)
    connections = [server.connect() for _ in range(20)]
    begin = time.monotonic()
    for connection in connections:
        connection.request("PUT", "/bucket/key", body=b"x")
    for connection in connections:
        assert connection.getresponse().status == 200
        connection.close()
    assert time.monotonic() - begin >= 0.05
    assert server.stats()["requests"]["put"] == 20


def test_nonsense_is_refused(server):
    for wire in (b"nonsense\r\n\r\n", b"PUT /bucket/%00 HTTP/1.1\r\n\r\n", b"PUT /bucket/a HTTP/1.1\r\nContent-Length: x\r\n\r\n",
                 b"PUT /bucket/a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", b"x" * 40000):
        connection = server.connect()
        connection.connect()
        connection.sock.sendall(wire)
        assert connection.sock.recv(100).startswith(b"HTTP/1.1 400 ")
        connection.close()
    assert server.stats()["connections"] == 0
