"""Traces, as a collector of OpenTelemetry receives them. Needs a program with the feature `otlp`."""

import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from iamd import Keys, create_user, denied
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from production import Serve, made, refused_start

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"


class Collector(ThreadingHTTPServer):
    """Takes OTLP over HTTP."""

    def __init__(self):
        self.spans = []
        self.services = set()
        super().__init__(("127.0.0.1", 0), Receiver)

    @property
    def endpoint(self):
        """Where programs send to."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def named(self, name):
        """The spans of this name, each as attributes."""
        return [span for span in self.spans if span["name"] == name]


class Receiver(BaseHTTPRequestHandler):
    """One request of a program that sends."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        assert self.path == "/v1/traces"
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            for attribute in resource.resource.attributes:
                if attribute.key == "service.name":
                    self.server.services.add(attribute.value.string_value)
            for scope in resource.scope_spans:
                self.server.spans += [flat(span) for span in scope.spans]
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def flat(span):
    """A span as one dictionary."""
    found = {"name": span.name, "trace": span.trace_id.hex(), "parent": span.parent_span_id.hex()}
    for attribute in span.attributes:
        value = attribute.value
        found[attribute.key] = getattr(value, value.WhichOneof("value"))
    return found


@pytest.fixture
def collector():
    """A collector on this machine."""
    with Collector() as collector:
        thread = threading.Thread(target=collector.serve_forever, daemon=True)
        thread.start()
        yield collector
        collector.shutdown()
        thread.join()


@pytest.fixture
def with_traces(monkeypatch):
    """Everything in the test uses the program that can send traces."""
    plain = os.environ["IAMD_BIN"]
    monkeypatch.setenv("IAMD_BIN", os.environ["IAMD_OTLP_BIN"])
    return plain


def test_requests_arrive_as_spans(tmp_path, collector, with_traces):
    facts = made(tmp_path / "data")
    environment = {"IAMD_TRACES_ENDPOINT": collector.endpoint}
    with Serve(tmp_path / "data", admin=Keys.of_facts(facts), environment=environment) as server:
        _, ana = create_user(server, "ana")
        with denied():
            server.iam(ana).list_users()
        sts = server.sts()
        parent = f"00-{TRACE}-{PARENT}-01"
        sts.meta.events.register(
            "before-sign.*", lambda request, **_: request.headers.add_header("traceparent", parent)
        )
        request_id = sts.get_caller_identity()["ResponseMetadata"]["RequestId"]
    # What was left was sent at the end.
    assert collector.services == {"iamd"}
    (denial,) = collector.named("iam.ListUsers")
    assert denial["error.type"] == "AccessDenied"
    assert denial["http.response.status_code"] == 403
    (identity,) = collector.named("sts.GetCallerIdentity")
    assert identity["aws.request_id"] == request_id
    assert identity["client.address"] == "127.0.0.1"
    assert (identity["trace"], identity["parent"]) == (TRACE, PARENT)
    assert "error.type" not in identity
    assert len(collector.named("store.commit")) >= 2
    for secret in (facts["secret_access_key"], ana.secret_access_key):
        assert secret not in repr(collector.spans)


def test_a_collector_that_is_away_holds_nothing_up(tmp_path, collector, with_traces):
    facts = made(tmp_path / "data")
    away = {"IAMD_TRACES_ENDPOINT": "http://127.0.0.1:9"}
    with Serve(tmp_path / "data", admin=Keys.of_facts(facts), environment=away) as server:
        for number in range(20):
            server.iam().create_user(UserName=f"user-{number}")


def test_wrong_settings_are_refused(tmp_path, with_traces):
    made(tmp_path / "data")
    elsewhere = {"IAMD_TRACES_ENDPOINT": "collector.example.com"}
    assert "traces.endpoint" in refused_start(tmp_path / "data", environment=elsewhere)
    os.environ["IAMD_BIN"] = with_traces
    here = {"IAMD_TRACES_ENDPOINT": "http://127.0.0.1:4318"}
    assert "feature `otlp`" in refused_start(tmp_path / "data", environment=here)
