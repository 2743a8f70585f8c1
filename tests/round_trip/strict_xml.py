"""Reads an answer as the service model says, and nothing else; botocore is more forgiving."""

from base64 import b64decode
from datetime import datetime, timezone
from xml.etree import ElementTree


def read(text, operation, request_id):
    """The output in an answer of an operation; none where the operation has no output."""
    root = ElementTree.fromstring(text)
    namespace = operation.service_model.metadata["xmlNamespace"]

    def name(element):
        assert element.tag.startswith(f"{{{namespace}}}"), element.tag
        assert not element.attrib
        return element.tag.removeprefix(f"{{{namespace}}}")

    def value(element, shape):
        return READERS[shape.type_name](element, shape)

    def structure(element, shape):
        names = [name(child) for child in element]
        assert names == [it for it in shape.members if it in names], "each once, in their order"
        return {it: value(child, shape.members[it]) for it, child in zip(names, element)}

    def items(element, shape):
        assert {name(child) for child in element} <= {"member"}
        return [value(child, shape.member) for child in element]

    def entries(element, shape):
        assert {name(child) for child in element} <= {"entry"}
        assert all([name(part) for part in entry] == ["key", "value"] for entry in element)
        return {value(key, shape.key): value(val, shape.value) for key, val in element}

    def scalar(convert):
        def convert_text(element, _):
            assert len(element) == 0
            return convert(element.text or "")

        return convert_text

    READERS = {
        "structure": structure,
        "list": items,
        "map": entries,
        "string": scalar(str),
        "integer": scalar(int),
        "boolean": scalar({"true": True, "false": False}.__getitem__),
        "timestamp": scalar(
            lambda text: datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
        ),
        "blob": scalar(lambda text: b64decode(text, validate=True)),
    }
    assert name(root) == f"{operation.name}Response"
    *result, metadata = root
    assert name(metadata) == "ResponseMetadata"
    assert [(name(it), it.text) for it in metadata] == [("RequestId", request_id)]
    if operation.output_shape is None:
        assert result == []
        return None
    (result,) = result
    assert name(result) == operation.output_shape.serialization["resultWrapper"]
    return structure(result, operation.output_shape)
