"""The service models, as botocore has them and as `models/` corrects them."""

import json
from pathlib import Path

import botocore.session

FOLDER = Path(__file__).parents[2] / "models"
NAMES = ("iam", "sts")
SERVICES = {name: botocore.session.get_session().get_service_model(name) for name in NAMES}
SOURCES = {name: json.loads((FOLDER / f"{name}.json").read_text())["source"] for name in NAMES}
EXTRAS = {name: json.loads((FOLDER / f"{name}.extras.json").read_text()) for name in NAMES}
CORRECTIONS = {
    (name, correction["at"]): correction["set"]
    for name, extras in EXTRAS.items()
    for correction in extras["corrections"]
}
COMMON_ERRORS = {code: facts["status"] for code, facts in EXTRAS["iam"]["errors"].items()}
OPERATIONS = [(name, it) for name, model in SERVICES.items() for it in model.operation_names]


def fact(service, shape, name):
    """What the model says of a shape, unless it is corrected; none if neither says anything."""
    at = (service, f"/shapes/{shape.name}/{name}")
    return CORRECTIONS.get(at, shape.metadata.get(name))
