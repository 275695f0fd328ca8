"""The request's fields as the page's modules list them: the server's own lists are the same."""

from __future__ import annotations

import re

import pytest
from pydantic import BaseModel

from fooocus_api.api.schemas.events import StreamMessage, TaskEvent
from fooocus_api.api.schemas.generate import CommonRequest
from fooocus_api.api.schemas.own_data import OF_A_SUBMISSION, OwnData
from fooocus_api.api.schemas.task import RecordResponse
from fooocus_api.tests.contract.fields import NOT_DRAWN
from fooocus_api.tests.support.host import ROOT

SCHEMA = ROOT / "dashboard" / "assets" / "generate" / "schema.js"
LABELS = ROOT / "dashboard" / "assets" / "i18n" / "parameters.js"
FORM_OF_RESPONSE = {"stream_output", "async_process", "require_base64"}
"""Fields that the page sets itself, without a label."""


def test_the_page_knows_the_fields_of_a_submission() -> None:
    listed = re.search(r"OF_A_SUBMISSION = \[(.*?)\];", SCHEMA.read_text("utf-8"), re.DOTALL)
    assert listed is not None
    differing = set(re.findall(r'"(\w+)"', listed[1])) ^ OF_A_SUBMISSION
    assert not differing, f"in one of {SCHEMA.name} and own_data.py alone: {differing}; add them to the other"


def test_every_field_has_a_label_in_both_languages() -> None:
    labels = set(re.findall(r"^  (\w+): \[", LABELS.read_text("utf-8"), re.MULTILINE))
    missing = CommonRequest.model_fields.keys() - labels - FORM_OF_RESPONSE
    assert not missing, f"without a label: {missing}; add rows to dashboard/assets/i18n/{LABELS.name}"


def test_a_field_without_effect_on_the_image_is_one_of_a_submission() -> None:
    missing = (NOT_DRAWN.keys() & CommonRequest.model_fields.keys()) - OF_A_SUBMISSION - {"repeat_of"}
    assert not missing, f"change no image: {missing}; add them to OF_A_SUBMISSION in api/schemas/own_data.py"


@pytest.mark.parametrize("model", [RecordResponse, TaskEvent, StreamMessage])
def test_what_comes_back_is_described(model: type[BaseModel]) -> None:
    missing = OwnData.model_fields.keys() - model.model_fields.keys()
    assert not missing, f"come back undescribed: {missing}; add them to {model.__name__}"
