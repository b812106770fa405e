"""The careful way out: which addresses are called, and how."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from pdfservice.lib import outbound
from pdfservice.lib.addresses import parse_address
from pdfservice.lib.outbound import Answer, OutboundFailed, OutboundRefused, Reach, post
from pdfservice.lib.public_addresses import is_public

INSIDE = [
    "127.0.0.1", "127.8.8.8", "0.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.100.100.200",
    "168.63.129.16", "192.0.0.192", "192.88.99.1", "198.18.0.1", "224.0.0.1", "255.255.255.255", "240.0.0.1",
    "::1", "::", "fe80::1", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1", "::ffff:10.0.0.1", "::ffff:127.0.0.1",
    "::10.0.0.1", "2002:0a00:0001::1", "2002:c0a8:0101::", "64:ff9b::10.0.0.1", "64:ff9b::8.8.8.8", "64:ff9b:1::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:db8::1", "3fff::1", "100::1", "5f00::1",
]  # fmt: skip
OUTSIDE = ["8.8.8.8", "93.184.216.34", "2606:4700:4700::1111", "::ffff:8.8.8.8", "2a00:1450:4001:81b::200e"]
HERE = Reach(networks=["127.0.0.0/8"])


class Receiver(BaseHTTPRequestHandler):
    """Answers as its server's `behave` says and keeps what came."""

    def do_POST(self) -> None:
        server: Any = self.server
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        server.received.append((self.path, dict(self.headers), body))
        server.behave(self)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def ok(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.end_headers()
    handler.wfile.write(b"thanks")


@pytest.fixture
def receiver() -> Iterator[Any]:
    """A server on this machine; `behave` may be replaced."""
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    server.received, server.behave = [], ok
    server.url = f"http://127.0.0.1:{server.server_port}/hook?a=1"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def send(url: str, reach: Reach = HERE, **more: Any) -> Answer:
    return post(url, b"{}", headers={"Content-Type": "application/json"}, reach=reach, **more)


@pytest.mark.parametrize("text", INSIDE)
def test_what_is_inside_is_not_public(text: str) -> None:
    assert not is_public(parse_address(text))
    # And as it stands, without unwrapping a mapped address.
    address = ipaddress.ip_address(text)
    assert not is_public(address)


@pytest.mark.parametrize("text", OUTSIDE)
def test_what_everybody_can_reach_is_public(text: str) -> None:
    assert is_public(parse_address(text))


@pytest.mark.parametrize("host", [text for text in INSIDE if ":" not in text] + [f"[{t}]" for t in INSIDE if ":" in t])
def test_inner_addresses_are_refused_before_a_connection(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "create_connection", None)
    with pytest.raises(OutboundRefused):
        send(f"https://{host}/", Reach())


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "127.1", "0177.0.0.1", "localhost"])
def test_other_spellings_of_loopback_are_refused(host: str) -> None:
    with pytest.raises(OutboundRefused):
        send(f"https://{host}/", Reach())


@pytest.mark.parametrize(
    "url",
    ["", "ftp://example.com/", "https://", "file:///etc/passwd", "https://user:pw@example.com/", "https://e.com/#a",
     "https://example.com:0/", "https://example.com:99999/", "https://exa mple.com/", "https://example.com/\r\nX: y",
     "https://[::1", "https://ex\u00e4mple.com/", "https:\\\\example.com/", "//example.com/"],
)  # fmt: skip
def test_what_is_no_plain_web_address_is_refused(url: str) -> None:
    with pytest.raises(OutboundRefused):
        send(url)


def test_plain_http_goes_to_allowed_networks_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbound, "resolve", lambda *_: [parse_address("93.184.216.34")])
    monkeypatch.setattr(socket, "create_connection", None)
    with pytest.raises(OutboundRefused):
        send("http://example.com/")


def test_an_allowed_network_is_called_and_what_came_is_what_was_sent(receiver: Any) -> None:
    assert send(receiver.url) == Answer(200, b"thanks", None)
    ((path, headers, body),) = receiver.received
    assert (path, body) == ("/hook?a=1", b"{}")
    assert headers["Host"] == f"127.0.0.1:{receiver.server_port}"
    assert headers["Content-Type"] == "application/json"


def test_a_name_is_resolved_once_and_the_checked_address_is_called(
    receiver: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([["127.0.0.1"], ["10.0.0.1"]])  # the second answer of a name that rebinds
    asked: list[str] = []

    def lookup(host: str, port: int, *more: Any, **options: Any) -> list[Any]:
        if host != "hooks.example.com":  # create_connection asks for the literal address
            return list(former(host, port, *more, **options))
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (text, port)) for text in next(answers)]

    former = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    url = f"http://hooks.example.com:{receiver.server_port}/"
    assert send(url).status == 200
    assert asked == ["hooks.example.com"]
    assert receiver.received[0][1]["Host"] == f"hooks.example.com:{receiver.server_port}"
    with pytest.raises(OutboundRefused):
        send(url)
    assert len(receiver.received) == 1


def test_of_several_addresses_only_permitted_ones_are_called(receiver: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    here, inside = parse_address("127.0.0.1"), parse_address("169.254.169.254")
    monkeypatch.setattr(outbound, "resolve", lambda *_: [inside, here])
    called: list[Any] = []
    former = socket.create_connection

    def connect(place: Any, **more: Any) -> socket.socket:
        called.append(place[0])
        return former(place, **more)

    monkeypatch.setattr(socket, "create_connection", connect)
    assert send(f"http://two.example.com:{receiver.server_port}/").status == 200
    assert called == ["127.0.0.1"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(receiver: Any, status: int) -> None:
    def elsewhere(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("Location", receiver.url)
        handler.end_headers()

    receiver.behave = elsewhere
    assert send(receiver.url).status == status
    assert len(receiver.received) == 1


def test_of_a_long_answer_only_the_beginning_is_read(receiver: Any) -> None:
    def flood(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(500)
        handler.send_header("Retry-After", "120")
        handler.end_headers()
        try:
            for _ in range(10_000):
                handler.wfile.write(b"x" * 65_536)
        except OSError:
            pass

    receiver.behave = flood
    assert send(receiver.url) == Answer(500, b"x" * outbound.BODY_BYTES, 120)


def _dripping_head(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    _drip(handler, b"X-Drip: 1\r\n")


def _silent(handler: BaseHTTPRequestHandler) -> None:
    handler.rfile.read(1)


def _drip(handler: BaseHTTPRequestHandler, line: bytes) -> None:
    pause = threading.Event()
    try:
        for _ in range(100):
            handler.wfile.write(line)
            pause.wait(0.05)
    except OSError:
        pass


@pytest.mark.parametrize("behave", [_dripping_head, _silent])
def test_an_answer_that_does_not_come_to_an_end_is_cut_off(receiver: Any, behave: Callable[..., None]) -> None:
    receiver.behave = behave
    begun = time.monotonic()
    with pytest.raises(OutboundFailed, match="in time"):
        send(receiver.url, total_seconds=0.3)
    assert time.monotonic() - begun < 3


def test_a_body_that_drips_does_not_hide_the_status(receiver: Any) -> None:
    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(204)
        handler.end_headers()
        _drip(handler, b"x")

    receiver.behave = drip
    assert send(receiver.url, total_seconds=0.5).status == 204


@pytest.mark.parametrize("garbage", [b"", b"hello\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", b"\x00" * 100])
def test_what_is_no_http_is_a_failure(receiver: Any, garbage: bytes) -> None:
    receiver.behave = lambda handler: handler.wfile.write(garbage)
    with pytest.raises(OutboundFailed):
        send(receiver.url)


def test_nobody_at_the_address_is_a_failure_that_does_not_quote_it() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}/secret"
        with pytest.raises(OutboundFailed, match="refused") as failure:
            send(url)
    assert "secret" not in str(failure.value)


def test_a_name_that_does_not_exist_is_a_failure() -> None:
    with pytest.raises(OutboundFailed, match="no address"):
        send("https://nobody.invalid/")


@pytest.fixture
def certified(receiver: Any, tmp_path: Path) -> Path:
    """Let the receiver speak TLS as `hooks.example.com`; return the file of the authority that says so."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hooks.example.com")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("hooks.example.com")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public, private = tmp_path / "certificate.pem", tmp_path / "key.pem"
    public.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(public, private)
    receiver.socket = context.wrap_socket(receiver.socket, server_side=True)
    receiver.handle_error = lambda *_: None  # a client that hangs up is what we are here for
    return public


def test_certificates_are_verified_for_the_name_not_the_address(
    receiver: Any, certified: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbound, "resolve", lambda *_: [parse_address("127.0.0.1")])
    url = f"https://hooks.example.com:{receiver.server_port}/"
    trusting = ssl.create_default_context(cafile=str(certified))
    assert send(url, tls=trusting).body == b"thanks"
    with pytest.raises(OutboundFailed, match="certificate is not good"):
        send(url)
    with pytest.raises(OutboundFailed, match="certificate is not good"):
        send(url.replace("hooks.", "other."), tls=trusting)
    assert len(receiver.received) == 1
