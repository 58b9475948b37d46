"""SAM templates, translated by AWS's own translator: the package that CloudFormation itself runs.

So logical ids, roles, permissions and the texts of its refusals are AWS's. It is loaded when the
first template asks for it, and kept from the machine: it is told the Region instead of finding it.
Source: https://github.com/aws/serverless-application-model
"""

from __future__ import annotations

import json
import logging
import threading
from types import SimpleNamespace
from typing import Any

from lambdalab.errors import not_implemented

__all__ = ["NAME", "SamError", "translate"]

NAME = "AWS::Serverless-2016-10-31"
# The translator keeps the Region in a global of its own.
_lock = threading.Lock()

Json = dict[str, Any]


class SamError(Exception):
    """A template that SAM refuses; the text is the translator's."""


def translate(template: Json, parameters: dict[str, Any], region: str) -> Json:
    """The CloudFormation template that a SAM template stands for; raises SamError.

    ``parameters`` are the values that were given; defaults of the template stand in for others.
    """
    _refuse_repository(template)
    from samtranslator.model.exceptions import InvalidDocumentException
    from samtranslator.parser.parser import Parser
    from samtranslator.translator.translator import Translator
    from samtranslator.utils.py27hash_fix import (
        to_py27_compatible_template,
        undo_mark_unicode_str_in_template,
    )

    # What it tells its operators (feature toggles, metrics) is not for the lab's log.
    logging.getLogger("samtranslator").setLevel(logging.CRITICAL)
    # A day is what YAML makes of a text that looks like one, such as the version of a policy.
    given, values = json.loads(json.dumps(template, default=str)), dict(parameters)
    where = SimpleNamespace(region_name=region)
    with _lock:
        try:
            to_py27_compatible_template(given, values)
            translated = Translator(None, Parser(), boto_session=where).translate(
                given, values, get_managed_policy_map=dict
            )
        except InvalidDocumentException as error:
            raise SamError(_told(error)) from error
        except Exception as error:
            raise SamError("Internal transform failure.") from error
    plain: Json = undo_mark_unicode_str_in_template(translated)
    return plain


def _refuse_repository(template: Json) -> None:
    """The translator would ask the Serverless Application Repository, which is on the internet."""
    resources = template.get("Resources")
    for described in resources.values() if isinstance(resources, dict) else ():
        if isinstance(described, dict) and described.get("Type") == "AWS::Serverless::Application":
            properties = described.get("Properties")
            if not isinstance(properties, dict) or not isinstance(properties.get("Location"), str):
                raise not_implemented("AWS::Serverless::Application without a URL as its Location")


def _told(error: Any) -> str:
    causes = " ".join(cause.message for cause in error.causes)
    return f"{error.message} {causes}".strip()
