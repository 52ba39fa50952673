# SPDX-License-Identifier: Apache-2.0
"""What tests look into S3 servers with: signed requests of our own, apart from the code under test, and a store for
harness.Site. Signature Version 4: https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html"""
import datetime
import hashlib
import hmac
import http.client
import json
import ssl
import urllib.parse
import xml.etree.ElementTree as ElementTree

import harness

ACCESS, SECRET = "AKIDTESTS", "secret/of+the=tests"
REGION = "us-east-1"
ENVIRONMENT = {"AWS_ACCESS_KEY_ID": ACCESS, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_EC2_METADATA_DISABLED": "true"}


def quote(text):
    return urllib.parse.quote(text, safe="-_.~", errors="surrogateescape")


def tree_of(xml):
    root = ElementTree.fromstring(xml)
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]  # without its namespace
    return root


class Client:
    """One request after the other, each over a connection of its own."""

    def __init__(self, endpoint, access=ACCESS, secret=SECRET, ca_file=None):
        self.endpoint = urllib.parse.urlsplit(endpoint)
        self.access, self.secret = access, secret
        self.tls = ssl.create_default_context(cafile=ca_file) if self.endpoint.scheme == "https" else None

    def request(self, method, path, query=(), body=b"", headers=()):
        """(status, headers, body). path: not encoded; query: pairs."""
        path = "/".join(quote(part) for part in path.split("/"))
        query = "&".join(sorted(f"{quote(name)}={quote(str(value))}" for name, value in query))
        headers = dict(headers, **self._signed(method, path, query, body))
        where = self.endpoint.netloc
        connection = (http.client.HTTPSConnection(where, context=self.tls, timeout=60) if self.tls
                      else http.client.HTTPConnection(where, timeout=60))
        try:
            connection.request(method, path + ("?" + query if query else ""), body, headers)
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    def _signed(self, method, path, query, body):
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        digest = hashlib.sha256(body).hexdigest()
        signed = {"host": self.endpoint.netloc, "x-amz-content-sha256": digest, "x-amz-date": now}
        canonical = "\n".join([method, path, query, *(f"{name}:{value}" for name, value in signed.items()), "", ";".join(signed), digest])
        scope = f"{now[:8]}/{REGION}/s3/aws4_request"
        text = "\n".join(["AWS4-HMAC-SHA256", now, scope, hashlib.sha256(canonical.encode()).hexdigest()])
        key = ("AWS4" + self.secret).encode()
        for step in (*scope.split("/"), text):
            key = hmac.new(key, step.encode(), hashlib.sha256).digest()
        return dict(signed, Authorization=f"AWS4-HMAC-SHA256 Credential={self.access}/{scope},SignedHeaders={';'.join(signed)},"
                                          f"Signature={key.hex()}")

    def xml(self, method, path, query=()):
        """The answer, which must be a good one, as a tree; None if it has no body."""
        status, _, body = self.request(method, path, query)
        assert status < 300, f"{method} {path} {query}: {status} {body[:500]}"
        return tree_of(body) if body.strip() else None


class Store(harness.Store):
    """An S3 destination, the bucket made anew unless it is there. options: of the plugin, beside bucket, endpoint and region."""

    def __init__(self, client, bucket, prefix="", endpoint=None, is_there=False, **options):
        self.client, self.bucket, self.prefix = client, bucket, prefix
        self.url = f"s3://{bucket}/{prefix}".rstrip("/")
        self.options = {"endpoint": endpoint or client.endpoint.geturl(), "region": REGION, **options}
        self.destination = {"plugin": "s3", "bucket": bucket, "prefix": prefix, **self.options}
        if not is_there:
            client.xml("PUT", f"/{bucket}")

    def words(self):
        """--dest and its -o, for a command without a config file."""
        texts = {name: str(value).lower() if isinstance(value, bool) else value for name, value in self.options.items()}
        return ["--dest", self.url, *(word for name, text in texts.items() for word in ("-o", f"{name}={text}"))]

    def allow(self, user, *actions):
        """Lets a user of the server do these things ("GetObject") in this bucket."""
        bucket = f"arn:aws:s3:::{self.bucket}"
        policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": user, "Resource": [bucket, f"{bucket}/*"],
                                                          "Action": [f"s3:{action}" for action in actions]}]}
        status, _, body = self.client.request("PUT", f"/{self.bucket}", [("policy", "")], json.dumps(policy).encode())
        assert status < 300, f"{status} {body[:500]}"

    def through(self, endpoint):
        """Points runs elsewhere; the test goes on looking where it did."""
        self.options["endpoint"] = self.destination["endpoint"] = endpoint

    def read(self, key):
        status, _, body = self.client.request("GET", f"/{self.bucket}/{key}")
        assert status in (200, 404), f"{key}: {status} {body[:500]}"
        return body if status == 200 else None

    def sizes(self):
        """{key: bytes} of all objects."""
        found, query = {}, [("list-type", 2), ("encoding-type", "url")]
        page = self.client.xml("GET", f"/{self.bucket}", query)
        while True:
            for item in page.iter("Contents"):
                found[self._key_of(page, item)] = int(item.findtext("Size"))
            if page.findtext("IsTruncated") != "true":
                return found
            page = self.client.xml("GET", f"/{self.bucket}", [*query, ("continuation-token", page.findtext("NextContinuationToken"))])

    @staticmethod
    def _key_of(page, item):
        key = item.findtext("Key")  # encoded only if the server says so
        return urllib.parse.unquote(key) if page.findtext("EncodingType") == "url" else key

    def objects(self):
        return {key: hashlib.sha256(self.read(key)).hexdigest() for key in self.sizes()}

    def uploads(self):
        """(key, id) of the multipart uploads that are open."""
        status, _, body = self.client.request("GET", f"/{self.bucket}", [("uploads", "")])
        if status == 404 and b"<Code>NoSuchUpload<" in body:  # gofakes3, of a bucket that never had one
            return []
        assert status == 200, f"{status} {body[:500]}"
        return [(item.findtext("Key"), item.findtext("UploadId")) for item in tree_of(body).iter("Upload")]

    def parts(self, key, upload):
        """Sizes of the parts that an open upload has."""
        page = self.client.xml("GET", f"/{self.bucket}/{key}", [("uploadId", upload)])
        return [int(part.findtext("Size")) for part in page.iter("Part")]

    def commits(self):
        """Time-dirs that have a commit object."""
        start = self.prefix + "/" if self.prefix else ""
        return [key.rpartition("/")[2][:-len(".commit")] for key in self.sizes()
                if key.startswith(start + ".snapferry/points/") and key.endswith(".commit")]
