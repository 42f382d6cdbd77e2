"""OTLP as its own schema reads it: the JSON of a trace, checked field by field against the public definitions."""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

#: Which fields are ids, and how many hexadecimal digits they have (OTLP, "JSON Protobuf Encoding").
IDS = {"traceId": 32, "spanId": 16, "parentSpanId": 16}


@dataclass(frozen=True)
class Trace:
    """What one request tells."""

    resource: Mapping[str, Any]
    spans: tuple[Span, ...]


def read(body: bytes | Mapping[str, Any]) -> Trace:
    """A request with one resource; what its schema does not know is an error."""
    plain = json.loads(body if isinstance(body, bytes) else json.dumps(body))
    request = json_format.ParseDict(_with_bytes(plain), ExportTraceServiceRequest())
    (told,) = request.resource_spans
    (scoped,) = told.scope_spans
    return Trace(attributes(told.resource), tuple(scoped.spans))


def attributes(of: Any) -> dict[str, Any]:
    """By key; each there once."""
    found = {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in of.attributes}
    assert len(found) == len(of.attributes)
    return found


def _with_bytes(value: Any, key: str = "") -> Any:
    """Ids are hexadecimal there, while the schema's own JSON has bytes in base64."""
    if isinstance(value, dict):
        return {name: _with_bytes(each, name) for name, each in value.items()}
    if isinstance(value, list):
        return [_with_bytes(each) for each in value]
    if key in IDS:
        assert re.fullmatch(f"[0-9a-f]{{{IDS[key]}}}", value), (key, value)
        return base64.b64encode(bytes.fromhex(value)).decode()
    return value
