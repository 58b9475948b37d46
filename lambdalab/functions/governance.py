"""What surrounds functions: permissions, tags, the account, and rules for code and runtimes."""

from __future__ import annotations

from lambdalab.clock import LabClock
from lambdalab.draws import Draws
from lambdalab.functions.account import AccountService
from lambdalab.functions.code_signing import CodeSigningService
from lambdalab.functions.lookup import Directory
from lambdalab.functions.permissions import PermissionService
from lambdalab.functions.recursion import RecursionService
from lambdalab.functions.resource_policies import ResourcePolicyService
from lambdalab.functions.runtime_management import RuntimeManagementService
from lambdalab.functions.tags import TagService

__all__ = ["Governance"]


class Governance:
    """The services of this kind, put together.

    ``tags.holders`` and ``account.stored`` take what is kept elsewhere: other kinds of resources
    that have tags, and other code that counts.
    """

    def __init__(self, directory: Directory, clock: LabClock, draws: Draws) -> None:
        policies = draws.stream("policies")
        self.account = AccountService(directory)
        self.code_signing = CodeSigningService(directory, clock, draws.stream("code signing"))
        self.tags = TagService(directory, draws.stream("tags"))
        self.tags.holders["code-signing-config"] = self.code_signing.tags_of
        self.services: list[object] = [
            PermissionService(directory, policies),
            ResourcePolicyService(directory, policies),
            self.tags,
            self.account,
            RecursionService(directory),
            RuntimeManagementService(directory),
            self.code_signing,
        ]

    def clear(self) -> None:
        """Forget what is not kept with the functions."""
        self.code_signing.clear()
