# SPDX-License-Identifier: Apache-2.0
"""TLS to an S3 server: the right certificate serves, each wrong one is refused by its own message, before anything is sent."""
import pytest

import harness
import s3
import servers
import tls


@pytest.fixture(scope="module")
def authorities(session_folder):
    """The one that is trusted, and another one."""
    folder = session_folder / "authorities"
    folder.mkdir()
    return tls.Authority(folder, "trusted"), tls.Authority(folder, "other")


@pytest.fixture
def front(versitygw, authorities):
    """front(certificate, key, ...): a TLS end in front of the server, which speaks plain HTTP."""
    made = []

    def make(pair, **how):
        made.append(tls.Terminator(versitygw, *pair, **how))
        return made[-1]
    yield make
    for terminator in made:
        terminator.close()


@pytest.fixture
def site(signed, strict, files, authorities):
    """A source, and the strict store as seen through a TLS end, with the trusted authority: site.to(endpoint, **options)."""
    site = harness.Site(signed, strict, {"data": files({"a": b"content"})})

    def to(terminator, timeout="60s", **options):
        strict.through(terminator.endpoint)
        strict.destination.update({"ca_file": str(authorities[0].certificate), **options})
        site.configure(timeout=timeout)
        return site
    site.to = to
    return site


def refused(site, terminator, message, check=harness.FAILED, **options):
    result = site.to(terminator, timeout=f"{3 * harness.SLOWNESS}s", **options)("backup", "--json", check=check)
    text = result.json()["error"]["text"]
    assert message in text.lower(), text
    assert site.store.sizes() == {}
    return text


def test_a_server_with_a_certificate_of_its_own_is_trusted_by_ca_file(signed, session_folder, authorities, files, tmp_path):
    folder = session_folder / "server-tls"
    folder.mkdir()
    if not servers.is_installed("versitygw"):
        pytest.skip("versitygw is not installed: ./dev servers needs Go")
    certificate, key = authorities[0].issue("own")
    server = servers.versitygw(folder, "--cert", certificate, "--key", key, scheme="https")
    ca_file = authorities[0].certificate
    try:
        store = s3.Store(s3.Client(server.endpoint, ca_file=ca_file), "bucket-tls", ca_file=ca_file)
        source = files({f"{number}": b"x" * number for number in range(50)})
        words = store.words()
        signed("backup", *words, "--source", f"data={source}")
        signed("verify", "--deep", *words)
        signed("restore", "latest", "--to", tmp_path / "restored", *words)
        assert len(store.data()) == 50
        # by the environment, as other tools have it; and not at all
        signed("verify", *words[:-2], env={"SSL_CERT_FILE": ca_file})
        result = signed("verify", *words[:-2], check=harness.FAILED, timeout=120)
        assert "authority" in result.stderr and "ca_file" in result.stderr
    finally:
        server.stop()


def test_connections_are_kept(site, front, authorities, files):
    files({f"more/{number}": b"x" for number in range(200)})
    terminator = front(authorities[0].issue("kept"))
    site.to(terminator).backup()
    assert 1 <= terminator.handshakes <= 16  # eight workers, and what lists and commits


def test_wrong_certificates_are_refused_each_by_its_own_message(site, front, authorities):
    trusted, other = authorities
    texts = [
        refused(site, front(trusted.issue("name", alternative="DNS:elsewhere.example")), "another name"),
        refused(site, front(trusted.issue("expired", days=-1)), "has expired"),
        refused(site, front(other.issue("unknown")), "authority that"),
    ]
    assert len(set(texts)) == len(texts)


@pytest.mark.parametrize("option", ["ca_file", "client_cert"])
def test_a_file_that_is_not_there_is_named(site, front, authorities, option, tmp_path):
    refused(site, front(authorities[0].issue("missing")), "missing.pem", check=(harness.FAILED, harness.USAGE),
            **{option: str(tmp_path / "missing.pem")})


def test_a_client_certificate_is_shown_where_it_is_asked_for(site, front, authorities):
    trusted, other = authorities
    terminator = front(trusted.issue("asks"), clients=trusted.certificate)
    refused(site, terminator, "wants a client certificate")
    assert terminator.handshakes == 0
    certificate, key = other.issue("stranger")
    refused(site, terminator, "unknown ca", client_cert=str(certificate), client_key=str(key))
    certificate, key = trusted.issue("client")
    site.to(terminator, client_cert=str(certificate), client_key=str(key)).backup()
    assert terminator.handshakes > 0


def test_tls_older_than_1_2_is_refused(site, front, authorities):
    terminator = front(authorities[0].issue("old"), old=True)
    refused(site, terminator, "version")
    assert terminator.handshakes == 0
