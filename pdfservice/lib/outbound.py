"""One careful way to send something to an address that somebody else wrote down.

The host is resolved once and the connection made to the very address that was checked, so that a name that changes its
mind between the check and the call gains nothing. No redirect is followed, no proxy asked, certificates are verified,
time and size are bounded.
"""

from __future__ import annotations

import http.client
import os
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from pdfservice.lib.addresses import Address, is_within, parse_address
from pdfservice.lib.public_addresses import is_public

BODY_BYTES = 4096
_TOTAL_SECONDS = 15.0
_CONNECT_SECONDS = 5.0
_MOST_ADDRESSES = 4


class OutboundRefused(Exception):
    """We do not send there: the address is none that outsiders may make us call."""


class OutboundFailed(Exception):
    """The other side could not be reached, or did not answer in time. The message names no part of the URL."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the status, the first bytes of the body, and how long the sender asks to be left alone."""

    status: int
    body: bytes
    retry_after_s: int | None


@dataclass(frozen=True, slots=True)
class Reach:
    """Where a call may go. With `anywhere` the address is the operator's own business."""

    networks: Sequence[str] = ()
    anywhere: bool = False

    def permits(self, address: Address, scheme: str) -> bool:
        """Say whether `address` may be called: public ones by https alone, those of `networks` by http as well."""
        if self.anywhere or is_within(address, self.networks):
            return True
        return scheme == "https" and is_public(address)


def post(
    url: str,
    body: bytes,
    *,
    headers: Mapping[str, str],
    reach: Reach,
    total_seconds: float = _TOTAL_SECONDS,
    tls: ssl.SSLContext | None = None,
) -> Answer:
    """Post `body` and return the answer, whatever its status. Raises OutboundRefused or OutboundFailed."""
    deadline = time.monotonic() + total_seconds
    parts = parse_target(url)
    try:
        with closing(_connection(parts, reach, deadline, tls)) as connection, _cut_off(connection, deadline):
            connection.request("POST", _path(parts), body=body, headers=dict(headers))
            return _answer(connection, deadline)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise OutboundFailed(_reason(error, deadline)) from error


def parse_target(url: str) -> SplitResult:
    """Return the parts of an address that could be called; raise OutboundRefused."""
    try:
        parts = urlsplit(url)
        port_is_good = parts.port != 0
    except ValueError as error:
        raise OutboundRefused("It is no web address.") from error
    is_plain = url.isascii() and url.isprintable() and " " not in url and "\\" not in url
    if not (parts.scheme in {"http", "https"} and parts.hostname and port_is_good and is_plain):
        raise OutboundRefused("It is no web address.")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise OutboundRefused("A web address with a user, a password or a fragment is not called.")
    return parts


def resolve(host: str, port: int) -> list[Address]:
    """Return the addresses of `host`, each once, in the system's order."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(parse_address(str(place[0])) for *_, place in found))


def _connection(
    parts: SplitResult, reach: Reach, deadline: float, tls: ssl.SSLContext | None
) -> http.client.HTTPConnection:
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    addresses = [address for address in resolve(host, port) if reach.permits(address, parts.scheme)]
    if not addresses:
        raise OutboundRefused("The host has no address that may be called.")
    connection = http.client.HTTPConnection(host, port)
    sock = _connected(addresses[:_MOST_ADDRESSES], port, deadline)
    if parts.scheme == "https":
        try:
            sock = (tls or ssl.create_default_context()).wrap_socket(sock, server_hostname=host)
        except BaseException:
            sock.close()
            raise
    connection.sock = sock
    return connection


def _connected(addresses: Sequence[Address], port: int, deadline: float) -> socket.socket:
    trouble: OSError = TimeoutError("time is up")
    for address in addresses:
        left = deadline - time.monotonic()
        if left <= 0:
            break
        try:
            sock = socket.create_connection((str(address), port), timeout=min(left, _CONNECT_SECONDS))
        except OSError as error:
            trouble = error
        else:
            sock.settimeout(max(0.1, deadline - time.monotonic()))
            return sock
    raise trouble


@contextmanager
def _cut_off(connection: http.client.HTTPConnection, deadline: float) -> Iterator[None]:
    """End the connection at `deadline`: a limit on each read would let an answer drip for ever."""
    sock: socket.socket = connection.sock
    twin = socket.socket(fileno=os.dup(sock.fileno()))  # the same connection, and not TLS's to get confused about
    timer = threading.Timer(max(0.0, deadline - time.monotonic()), _shut, [twin])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
        twin.close()


def _shut(sock: socket.socket) -> None:
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # it is over already


def _answer(connection: http.client.HTTPConnection, deadline: float) -> Answer:
    response = connection.getresponse()
    if time.monotonic() >= deadline:
        raise TimeoutError  # http.client takes a head that was cut off for a whole one
    try:
        body = response.read(BODY_BYTES)
    except (OSError, http.client.HTTPException):
        body = b""  # the status says what matters
    wait = (response.getheader("Retry-After") or "").strip()
    return Answer(response.status, body, int(wait) if wait.isdecimal() and wait.isascii() and len(wait) < 8 else None)


def _path(parts: SplitResult) -> str:
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _reason(error: Exception, deadline: float) -> str:
    if time.monotonic() >= deadline or isinstance(error, TimeoutError):
        return "no answer in time"
    match error:
        case ssl.SSLCertVerificationError():
            return f"the certificate is not good: {error.verify_message}"
        case ssl.SSLError():
            return "TLS failed"
        case socket.gaierror():
            return "the host has no address"
        case ConnectionRefusedError():
            return "the connection was refused"
    return f"the connection broke: {type(error).__name__}"
