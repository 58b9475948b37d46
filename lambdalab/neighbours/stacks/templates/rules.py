"""The rules of a template: what the values of its parameters must be together.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/rules-section-structure.html
"""

from __future__ import annotations

from typing import Any

from lambdalab.errors import aws_error
from lambdalab.neighbours.stacks.templates.functions import holds
from lambdalab.neighbours.stacks.templates.structure import section
from lambdalab.neighbours.stacks.templates.terms import Scope

__all__ = ["check"]


def check(template: dict[str, Any], scope: Scope) -> None:
    """Refuse values that a rule does not want; raises AwsError."""
    for name, rule in section(template, "Rules").items():
        if not isinstance(rule, dict) or not isinstance(rule.get("Assertions"), list):
            raise aws_error("template.rule", name=name)
        if "RuleCondition" in rule and not holds(rule["RuleCondition"], scope):
            continue
        for one in rule["Assertions"]:
            if not isinstance(one, dict) or "Assert" not in one:
                raise aws_error("template.rule", name=name)
            if not holds(one["Assert"], scope):
                told = one.get("AssertDescription", name)
                raise aws_error("template.rule-failed", description=told)
