# SPDX-License-Identifier: Apache-2.0
"""A way through to an HTTP server on 127.0.0.1 that is good but for what its rules do to single requests. Nothing in it goes by
time: an answer that comes too late comes when the client has left."""
import contextlib
import re
import socket
import threading

PIECE = 1 << 16


class Gone(Exception):
    """One of the two ends has closed its connection."""


class Rule:
    """Does action to the requests whose "METHOD TARGET" the pattern is found in; to the first times of them (None: to all)."""

    def __init__(self, pattern, action, times):
        self.pattern, self.action, self.times, self.hits = re.compile(pattern), action, times, 0


class End:
    """One end of a connection: reads heads and bodies of HTTP/1.1 messages."""

    def __init__(self, sock):
        self.sock, self.rest = sock, b""
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, data):
        try:
            self.sock.sendall(data)
        except OSError:
            raise Gone from None

    def _receive(self):
        try:
            data = self.sock.recv(PIECE)
        except OSError:
            data = b""
        if not data:
            raise Gone
        return data

    def head(self):
        """(first line, {name: value}, all of it as it came)."""
        while b"\r\n\r\n" not in self.rest:
            self.rest += self._receive()
        raw, _, self.rest = self.rest.partition(b"\r\n\r\n")
        line, *fields = raw.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}
        return line, headers, raw + b"\r\n\r\n"

    def pieces(self, length):
        """So many bytes of a body, as they come."""
        while length > 0:
            data = self.rest or self._receive()
            piece, self.rest = data[:length], data[length:]
            length -= len(piece)
            yield piece

    def wait_until_left(self):
        """Until the other side has closed the connection."""
        with contextlib.suppress(Gone):
            while True:
                self._receive()


class Exchange:
    """One request, and what becomes of it: what actions are made of."""

    def __init__(self, client, server, head):
        self.client, self.server = client, server
        line, headers, self.head = head
        self.method, self.target, _ = line.split(" ", 2)
        self.length = int(headers.get("content-length", 0))

    def forward(self, bytes_max=None):
        """The request, with no more than so many bytes of its body."""
        self.server.send(self.head)
        for piece in self.client.pieces(self.length if bytes_max is None else min(self.length, bytes_max)):
            self.server.send(piece)

    def take(self):
        """The request's body, which stays here."""
        return b"".join(self.client.pieces(self.length))

    def answer(self):
        """The server's, whole."""
        line, headers, raw = self.server.head()
        has_body = self.method != "HEAD" and line.split()[1] != "204"
        return raw + b"".join(self.server.pieces(int(headers["content-length"]) if has_body else 0))


# What can be done to a request. True: the connection can be used for another one.

def passed(exchange):
    exchange.forward()
    exchange.client.send(exchange.answer())
    return True


def held(exchange):
    """The server never sees it, the client never hears of it."""
    exchange.client.wait_until_left()


def late(exchange):
    """Done, but the answer comes when the client has given up."""
    exchange.forward()
    exchange.answer()
    exchange.client.wait_until_left()


def straggling(exchange):
    """Done only when the client has given up, so after or while it tries again."""
    body = exchange.take()
    exchange.client.wait_until_left()
    exchange.server.send(exchange.head + body)
    exchange.answer()


def lost(exchange):
    """Done, but the connection breaks instead of an answer."""
    exchange.forward()
    exchange.answer()


def half_closed(exchange):
    """Done; the server's side says no more, and goes on listening."""
    exchange.forward()
    exchange.answer()
    exchange.client.sock.shutdown(socket.SHUT_WR)
    exchange.client.wait_until_left()


def half_closed_at_once(exchange):
    """The same before the body has come: not done."""
    exchange.client.sock.shutdown(socket.SHUT_WR)
    exchange.client.wait_until_left()


def then_closed(exchange):
    """Answered well, and then the connection is closed without a word: found out by the next request."""
    passed(exchange)


def body_cut(bytes_max):
    """The connection breaks when so many bytes of the body have been passed on."""
    def action(exchange):
        exchange.forward(bytes_max)
    return action


def answer_cut(bytes_max):
    """Done, and the connection breaks within the answer."""
    def action(exchange):
        exchange.forward()
        exchange.client.send(exchange.answer()[:bytes_max])
    return action


class Proxy:
    """proxy.rule(r"PUT .*/data/", late, times=3): see Rule. Of the rules that fit, the first with times left is used."""

    def __init__(self, port):
        self.port, self.rules, self.threads, self.sockets, self.peers = port, [], [], set(), set()
        self.lock = threading.Lock()
        self.accepted = threading.Condition(self.lock)
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.accepting = threading.Thread(target=self._accept)
        self.accepting.start()

    def rule(self, pattern, action, times=1):
        rule = Rule(pattern, action, times)
        with self.lock:
            self.rules.append(rule)
        return rule

    def clean(self):
        """From now on without rules."""
        with self.lock:
            self.rules.clear()

    def settle(self):
        """When the client has ended: until all that is still on its way has reached the server. Connections come in their order: when
        ours is here, all of the client's are."""
        with socket.create_connection(self.listener.getsockname()) as last, self.accepted:
            self.accepted.wait_for(lambda: last.getsockname() in self.peers)
        self._join()

    def _join(self):
        with self.accepted:
            threads = list(self.threads)
        for thread in threads:
            thread.join()

    def close(self):
        """Ends what is held, too."""
        self.listener.shutdown(socket.SHUT_RDWR)
        self.accepting.join()
        with self.lock:
            for sock in self.sockets:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)
        self._join()
        self.listener.close()

    def _accept(self):
        while True:
            try:
                client, peer = self.listener.accept()
            except OSError:  # closed
                return
            thread = threading.Thread(target=self._serve, args=(client,))
            thread.start()
            with self.accepted:
                self.sockets.add(client)
                self.threads.append(thread)
                self.peers.add(peer)
                self.accepted.notify_all()

    def _serve(self, client):
        server = socket.create_connection(("127.0.0.1", self.port))
        with self.lock:
            self.sockets.add(server)
        ends = End(client), End(server)
        with contextlib.suppress(Gone, OSError):
            while self._exchange(*ends):
                pass
        with self.lock:
            self.sockets -= {client, server}
        client.close()
        server.close()

    def _exchange(self, client, server):
        exchange = Exchange(client, server, client.head())
        return self._action(f"{exchange.method} {exchange.target}")(exchange)

    def _action(self, request):
        with self.lock:
            for rule in self.rules:
                if rule.pattern.search(request) and (rule.times is None or rule.hits < rule.times):
                    rule.hits += 1
                    return rule.action
        return passed
