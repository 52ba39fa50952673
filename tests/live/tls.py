# SPDX-License-Identifier: Apache-2.0
"""A certificate authority of a test's own, made with openssl, and a TLS end in front of a plain server: it shows what certificate it
is told to, and asks for one of the client."""
import contextlib
import socket
import ssl
import subprocess
import threading
import warnings

KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]


class Authority:
    def __init__(self, folder, name):
        self.folder, self.name = folder, name
        self.certificate, self.key = folder / f"{name}.pem", folder / f"{name}.key"
        self._openssl("req", "-x509", *KEY, "-keyout", self.key, "-out", self.certificate, "-days", "2", "-subj", f"/CN={name}")

    def _openssl(self, *words):
        subprocess.run(["openssl", *words], cwd=self.folder, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       stderr=subprocess.PIPE)

    def issue(self, name, alternative="IP:127.0.0.1", days=1):
        """(certificate, key) for that subject alternative name; days -1: expired yesterday."""
        certificate, key = self.folder / f"{self.name}-{name}.pem", self.folder / f"{self.name}-{name}.key"
        request, extensions = certificate.with_suffix(".csr"), certificate.with_suffix(".ext")
        extensions.write_text(f"subjectAltName={alternative}\n")
        self._openssl("req", *KEY, "-keyout", key, "-out", request, "-subj", f"/CN={name}")
        self._openssl("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key, "-CAcreateserial", "-days", str(days),
                      "-extfile", extensions, "-out", certificate)
        return certificate, key


def take_old_versions(context, maximum=True):
    """TLS 1.0 and 1.1, and no newer one unless maximum is False."""
    context.set_ciphers("DEFAULT@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python calls them old, too
        context.minimum_version = ssl.TLSVersion.TLSv1
        if maximum:
            context.maximum_version = ssl.TLSVersion.TLSv1_1


class Terminator:
    """Listens with TLS, and passes the bytes on to a server on 127.0.0.1. clients: a CA whose certificates a client must have.
    old: it speaks TLS 1.0 and 1.1 only."""

    def __init__(self, upstream, certificate, key, clients=None, old=False):
        self.upstream = upstream
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate, key)
        if clients is not None:
            self.context.verify_mode = ssl.CERT_REQUIRED
            self.context.load_verify_locations(clients)
        if old:
            take_old_versions(self.context)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"https://127.0.0.1:{self.listener.getsockname()[1]}"
        self.handshakes = 0  # those that succeeded
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):  # closed
            while True:
                client, _ = self.listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, plain):
        with plain, plain.dup() as kept, contextlib.suppress(OSError):
            try:
                client = self.context.wrap_socket(plain, server_side=True)
            except ssl.SSLError:
                self._drain(kept)  # what has been sent unread would reset the connection, and the alert be lost
                raise
            with client, socket.create_connection(("127.0.0.1", self.upstream.port)) as server:
                self.handshakes += 1
                back = threading.Thread(target=self._copy, args=(server, client), daemon=True)
                back.start()
                self._copy(client, server)
                back.join()

    @staticmethod
    def _drain(client):
        client.shutdown(socket.SHUT_WR)
        while client.recv(1 << 16):
            pass

    @staticmethod
    def _copy(source, target):
        """Until source ends; then target is told so."""
        with contextlib.suppress(OSError):
            while block := source.recv(1 << 16):
                target.sendall(block)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_RDWR)

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
