"""A client of HTTP/2 that sends what a test wants, frame by frame."""

import socket
import ssl

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    WindowUpdated,
)
from hyperframe.frame import DataFrame, Frame, GoAwayFrame, PingFrame
from s3_wire import Reply

# Sends what RFC 9113 does not allow as well: what is wrong is the test's business.
_SETTINGS = H2Configuration(
    client_side=True,
    header_encoding="utf-8",
    validate_outbound_headers=False,
    normalize_outbound_headers=False,
)


class Broken(Exception):
    """The other side has ended the connection."""


class Answer:
    """An answer, as much of it as there is."""

    def __init__(self):
        self.headers, self.body, self.is_whole, self.reset = {}, b"", False, None

    @property
    def status(self):
        return int(self.headers[":status"])

    def reply(self):
        """The same as if it had come by HTTP/1.1."""
        return Reply(_Read(self.status, self.headers, self.body))


class _Read:
    def __init__(self, status, headers, body):
        self.status, self.headers, self._body = status, headers, body

    def read(self):
        return self._body


class Http2:
    """A connection to a gateway; on TLS it must be offered HTTP/2."""

    def __init__(self, gate, name="127.0.0.1"):
        stream = socket.create_connection(gate.host_and_port, timeout=10)
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if gate.authority:
            context = ssl.create_default_context(cafile=str(gate.authority))
            context.set_alpn_protocols(["h2", "http/1.1"])
            stream = context.wrap_socket(stream, server_hostname=name)
            assert stream.selected_alpn_protocol() == "h2"
        self.scheme = "https" if gate.authority else "http"
        self.stream, self.answers = stream, {}
        # With which error the other side has said that it takes no more requests.
        self.goodbye = None
        self.h2 = H2Connection(_SETTINGS)
        self.h2.initiate_connection()
        self.flush()

    def head(self, signed, more=(), authority=None, length=None):
        """The fields of a signed request; its host stands in `:authority`."""
        headers = {name.lower(): value for name, value in signed.headers.items()}
        host = headers.pop("host")
        return [
            (":method", signed.method),
            (":scheme", self.scheme),
            (":path", signed.target),
            (":authority", authority or host),
            *headers.items(),
            *([("content-length", str(length))] if length is not None else []),
            *more,
        ]

    def open(self, fields, is_all=True):
        """Begins a request; gives its number."""
        number = self.h2.get_next_available_stream_id()
        self.answers[number] = Answer()
        self.h2.send_headers(number, fields, end_stream=is_all)
        self.flush()
        return number

    def send(self, signed, body=None, **more):
        """Sends a signed request; gives the answer to it."""
        length = None if body is None else len(body)
        number = self.open(self.head(signed, length=length, **more), is_all=not body)
        self.pour(number, body)
        return self.answer(number).reply()

    def pour(self, number, body):
        """Sends a body as the windows allow, until it is all there or has been answered."""
        answer = self.answers[number]
        while body and not answer.is_whole and answer.reset is None:
            room = min(self.h2.local_flow_control_window(number), self.h2.max_outbound_frame_size)
            if room == 0:
                self.hear()
                continue
            piece, body = body[:room], body[room:]
            self.h2.send_data(number, piece, end_stream=not body)
            self.flush()

    def answer(self, number):
        """The whole answer to a request."""
        answer = self.answers[number]
        while not answer.is_whole and answer.reset is None:
            self.hear()
        assert answer.reset is None, f"reset with {answer.reset}"
        return answer

    def hear(self):
        """Takes in what comes next."""
        try:
            data = self.stream.recv(1 << 16)
        except (ConnectionResetError, ssl.SSLError) as error:
            raise Broken(repr(error)) from error
        if not data:
            raise Broken("the connection was closed")
        for event in self.h2.receive_data(data):
            self._take(event)
        self.flush()

    def _take(self, event):
        if isinstance(event, ConnectionTerminated):
            raise Broken(f"error {event.error_code}")
        answer = self.answers.get(getattr(event, "stream_id", None))
        if answer is None or isinstance(event, WindowUpdated):
            return
        if isinstance(event, ResponseReceived):
            answer.headers = dict(event.headers)
        elif isinstance(event, DataReceived):
            answer.body += event.data
            self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, StreamEnded):
            answer.is_whole = True
        elif isinstance(event, StreamReset) and not answer.is_whole:
            answer.reset = event.error_code

    def rest(self, number):
        """What comes of the body of an answer until the other side hangs up. Says yes to its pings,
        and nothing else, so the windows must be wide enough."""
        received, body = b"", b""
        while data := self.stream.recv(1 << 16):
            received += data
            while len(received) >= 9:
                frame, length = Frame.parse_frame_header(memoryview(received[:9]))
                if len(received) < 9 + length:
                    break
                frame.parse_body(memoryview(received[9 : 9 + length]))
                received = received[9 + length :]
                if isinstance(frame, DataFrame) and frame.stream_id == number:
                    body += frame.data
                elif isinstance(frame, GoAwayFrame):
                    self.goodbye = frame.error_code
                elif isinstance(frame, PingFrame) and "ACK" not in frame.flags:
                    self.stream.sendall(PingFrame(0, frame.opaque_data, flags=["ACK"]).serialize())
        return body

    def flush(self):
        """Sends what waits to be sent."""
        try:
            self.stream.sendall(self.h2.data_to_send())
        except OSError as error:
            raise Broken(repr(error)) from error

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stream.close()
