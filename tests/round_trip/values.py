"""Random values of the shapes of a service model: legal ones, and as odd as they may be."""

import json
import re
from base64 import b64encode
from datetime import datetime, timezone
from enum import Enum
from re import _constants as op
from re import _parser as parser
from urllib.parse import unquote

from models import fact

# What escaping gets wrong, where a pattern leaves room for it.
ODD = "&<>\"'%+=;,/?#\\ \t\n\ré\u00a0\u2028\ufffdあ😀"
PLAIN = "abcXYZ019"
LENGTH_USUAL = 12
SECONDS_UNTIL_2100 = 4_102_444_800


class Fill(Enum):
    """Which members are given."""

    ALL = "all"
    REQUIRED = "required"
    # All members, with lists and maps as empty, and texts as short, as the model lets them be.
    EMPTY = "empty"
    SOME = "some"


class Values:
    """Makes values. An input is held to the constraints of the model, an output only to its types."""

    def __init__(self, random, service, fill, constrained):
        self.random, self.service = random, service
        self.fill, self.constrained = fill, constrained

    def of(self, shape):
        return getattr(self, shape.type_name)(shape)

    def structure(self, shape):
        if shape.metadata.get("union"):
            name = self.random.choice(list(shape.members))
            return {name: self.of(shape.members[name])}
        return {
            name: self.member(member)
            for name, member in shape.members.items()
            if name in shape.required_members or self.gives()
        }

    def member(self, shape):
        """A value inside another. The Query protocol cannot say that a structure or map is empty."""
        value = self.of(shape)
        if value == {} and self.constrained:
            if shape.type_name == "map":
                return {self.of(shape.key): self.member(shape.value)}
            name = next(iter(shape.members))
            return {name: self.member(shape.members[name])}
        return value

    def gives(self):
        if self.fill is Fill.SOME:
            return self.random.random() < 0.5
        return self.fill is not Fill.REQUIRED

    def list(self, shape):
        return [self.member(shape.member) for _ in range(self.count(shape))]

    def map(self, shape):
        return {self.of(shape.key): self.member(shape.value) for _ in range(self.count(shape))}

    def count(self, shape):
        least = shape.metadata.get("min", 0) if self.constrained else 0
        most = shape.metadata.get("max", 3) if self.constrained else 3
        if self.fill is Fill.EMPTY:
            return least
        return self.random.randint(max(least, 1), max(least, min(most, 3)))

    def string(self, shape):
        if choices := fact(self.service, shape, "enum"):
            return self.random.choice(choices)
        if not self.constrained:
            return self.odd_text(0 if self.fill is Fill.EMPTY else LENGTH_USUAL)
        least, most = shape.metadata.get("min", 0), shape.metadata.get("max", 10_000)
        length = least if self.fill is Fill.EMPTY else min(most, max(least, LENGTH_USUAL))
        pattern = shape.metadata.get("pattern")
        if pattern is None:
            return self.odd_text(length)
        return Pattern(pattern).text(self.random, length, least, most)

    def odd_text(self, length):
        text = "".join(self.random.choice(ODD + PLAIN) for _ in range(length))
        return text if not is_document(text) else self.odd_text(length)

    def integer(self, shape):
        least = shape.metadata.get("min", -(2**31))
        most = shape.metadata.get("max", 2**31 - 1)
        return self.random.choice([least, most, self.random.randint(least, most)])

    def boolean(self, _):
        return self.random.random() < 0.5

    def timestamp(self, _):
        seconds = self.random.randrange(SECONDS_UNTIL_2100)
        hour, day = seconds // 3_600 * 3_600, seconds // 86_400 * 86_400
        seconds = self.random.choice([0, seconds, hour, hour - 1, day, day - 1])
        return datetime.fromtimestamp(seconds, timezone.utc)

    def blob(self, shape):
        least = shape.metadata.get("min", 0) if self.constrained else 0
        length = least if self.fill is Fill.EMPTY else least + self.random.randrange(50)
        return self.random.randbytes(length)


def is_document(text):
    """Whether botocore would take the text for a policy document and parse it."""
    try:
        json.loads(unquote(text))
    except ValueError:
        return False
    return True


class Pattern:
    """Makes texts that match a pattern of a service model."""

    def __init__(self, pattern):
        # Patterns are those of Java, which names letters by property.
        for name, members in [("L", "A-Za-zéあ"), ("Z", " \u00a0"), ("N", "0-9²")]:
            pattern = pattern.replace(f"\\p{{{name}}}", members)
        self.whole = re.compile(pattern, re.ASCII)
        self.tree = parser.parse(pattern, re.ASCII)

    def text(self, random, length, least, most):
        """A text of about this length, and of at least and at most these."""
        for attempt in range(1_000):
            text = Maker(random, max(0, length + random.choice([0, 0, -1, 1, -attempt]))).make(
                self.tree
            )
            if least <= len(text) <= most and self.whole.fullmatch(text):
                return text
        raise AssertionError(f"no text found for {self.whole.pattern}")


class Maker:
    """Writes one text along a parsed pattern; repetitions take what is left of the length."""

    def __init__(self, random, length):
        self.random, self.left = random, length

    def make(self, tree):
        return "".join(self.one(kind, value) for kind, value in tree)

    def one(self, kind, value):
        if kind is op.LITERAL:
            self.left -= 1
            return chr(value)
        if kind is op.IN:
            self.left -= 1
            return chr(self.member(value))
        if kind in (op.MAX_REPEAT, op.MIN_REPEAT):
            least, most, inner = value
            text, count = "", 0
            while count < least or (count < most and self.left > 0):
                text += self.make(inner)
                count += 1
            return text
        if kind is op.SUBPATTERN:
            return self.make(value[-1])
        if kind is op.BRANCH:
            return self.make(self.random.choice(value[1]))
        # What looks ahead or anchors writes nothing; whether it holds is checked on the whole.
        assert kind in (op.AT, op.ASSERT, op.ASSERT_NOT), kind
        return ""

    def member(self, choices):
        kind, value = self.random.choice(choices)
        if kind is op.RANGE:
            low, high = value
            return self.random.choice([low, high, self.random.randint(low, high)])
        if kind is op.CATEGORY:
            digits, letters = "0123456789", "abzABZ_"
            return ord(
                self.random.choice(digits if value is op.CATEGORY_DIGIT else digits + letters)
            )
        assert kind is op.LITERAL, kind
        return value


def as_json(value):
    """The value as the far side writes and reads it."""
    if isinstance(value, dict):
        return {key: as_json(member) for key, member in value.items()}
    if isinstance(value, list):
        return [as_json(member) for member in value]
    if isinstance(value, datetime):
        return int(value.timestamp())
    if isinstance(value, bytes):
        return b64encode(value).decode()
    return value


def without_nulls(value):
    """The value without members that have none."""
    if isinstance(value, dict):
        return {key: without_nulls(member) for key, member in value.items() if member is not None}
    if isinstance(value, list):
        return [without_nulls(member) for member in value]
    return value
