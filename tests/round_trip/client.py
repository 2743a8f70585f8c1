"""AWS's own client library, with the far side in the place of the network."""

from urllib.parse import urlsplit

import boto3
from botocore.awsrequest import AWSResponse
from botocore.config import Config

ACCESS_KEY_ID = "AKIAIOSFODNN7EXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
TOKEN = "IQoJb3JpZ2luX2VjE/token+with=every//kind of+character=="


class Sent:
    """A request as it would be on the wire."""

    def __init__(self, method, url, headers, body):
        parts = urlsplit(url)
        self.method = method
        self.path = parts.path
        self.query = parts.query or None
        self.headers = [[name.lower(), as_text(value)] for name, value in headers]
        if "host" not in dict(self.headers):
            self.headers.append(["host", parts.netloc])
        self.body = body or b""

    def header(self, name):
        return dict(self.headers).get(name)

    def form(self):
        """The parameters, wherever they are."""
        return self.body.decode() or self.query


def as_text(value):
    return value.decode("utf-8") if isinstance(value, bytes) else value


class Body:
    """What botocore reads an answer from."""

    def __init__(self, content):
        self.content = content

    def stream(self, **_):
        yield self.content


class Client:
    """A boto3 client whose requests are kept, and answered by a function of them."""

    def __init__(self, service, token=None, parameter_validation=True):
        config = Config(
            retries={"total_max_attempts": 1}, parameter_validation=parameter_validation
        )
        self.service = service
        self.boto = boto3.session.Session().client(
            service,
            region_name="us-east-1",
            aws_access_key_id=ACCESS_KEY_ID,
            aws_secret_access_key=SECRET,
            aws_session_token=token,
            config=config,
        )
        self.boto.meta.events.register("before-send", self.send)
        self.sent, self.answer = None, None

    def send(self, request, **_):
        body = request.body
        if isinstance(body, str):
            body = body.encode()
        self.sent = Sent(request.method, request.url, request.headers.items(), body)
        status, text = self.answer(self.sent)
        headers = {"x-amzn-requestid": "of the header", "content-type": "text/xml"}
        return AWSResponse(request.url, status, headers, Body(text.encode("utf-8")))

    def call(self, operation, parameters, answer):
        """Calls an operation; the answer is a status and a body, made from the request."""
        self.answer = answer
        return self.boto._make_api_call(operation, parameters)

    def model(self, operation):
        return self.boto.meta.service_model.operation_model(operation)
