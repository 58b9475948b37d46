"""Code signing: which signatures the code of a function must have.

The lab has no AWS Signer, so it can tell of no package that it is signed: every one counts as
unsigned. That is what AWS finds too, unless the learner has signed it there: under the policy
``Enforce`` a deployment is refused, under ``Warn`` it goes through.
Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-codesigning.html
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from string import ascii_lowercase, digits
from typing import Any

from lambdalab.clock import LabClock
from lambdalab.errors import aws_error
from lambdalab.functions.arns import FunctionId
from lambdalab.functions.lookup import Caller, Directory
from lambdalab.functions.paging import page
from lambdalab.functions.records import Function
from lambdalab.functions.tags import check_count

__all__ = ["CodeSigningService"]

# The figures and letters after "csc-" in an id.
ID_LENGTH = 17
_ARN = "CodeSigningConfigArn"
_POLICY = "UntrustedArtifactOnDeployment"


@dataclass(eq=False)
class CodeSigningConfig:
    """One configuration; ``members`` is what the API shows of it."""

    members: dict[str, Any]
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def arn(self) -> str:
        """Its ARN."""
        return str(self.members[_ARN])

    @property
    def enforced(self) -> bool:
        """Whether it keeps out code that nobody trusted has signed."""
        return bool(self.members["CodeSigningPolicies"][_POLICY] == "Enforce")


class CodeSigningService:
    """The operations on code signing configurations and on who uses them."""

    def __init__(self, directory: Directory, clock: LabClock, draw: Random) -> None:
        self._directory = directory
        self._clock = clock
        self._random = draw
        self._configs: dict[str, CodeSigningConfig] = {}

    def clear(self) -> None:
        """Forget all configurations."""
        self._configs.clear()

    # The configurations.

    def create_code_signing_config(self, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
        """CreateCodeSigningConfig."""
        tags = dict(given.get("Tags") or {})
        check_count(tags)
        name = "csc-" + "".join(self._random.choices(ascii_lowercase + digits, k=ID_LENGTH))
        arn = f"arn:aws:lambda:{caller.region}:{caller.account}:code-signing-config:{name}"
        config = CodeSigningConfig({"CodeSigningConfigId": name, _ARN: arn}, tags)
        self._change(config, {"CodeSigningPolicies": {}} | given)
        self._configs[arn] = config
        return {"CodeSigningConfig": config.members}

    def get_code_signing_config(self, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG002
        """GetCodeSigningConfig."""
        return {"CodeSigningConfig": self._find(given[_ARN]).members}

    def update_code_signing_config(self, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG002
        """UpdateCodeSigningConfig: only what is given changes."""
        config = self._find(given[_ARN])
        self._change(config, given)
        return {"CodeSigningConfig": config.members}

    def delete_code_signing_config(self, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
        """DeleteCodeSigningConfig; one that a function uses stays."""
        config = self._find(given[_ARN])
        if self._users(caller, config.arn):
            raise aws_error("code-signing.in-use", arn=config.arn)
        del self._configs[config.arn]
        return {}

    def list_code_signing_configs(self, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
        """ListCodeSigningConfigs."""
        start = f"arn:aws:lambda:{caller.region}:{caller.account}:"
        configs = [one for arn, one in sorted(self._configs.items()) if arn.startswith(start)]
        rows, more = page(given, configs, lambda config: config.arn)
        return {**more, "CodeSigningConfigs": [config.members for config in rows]}

    def list_functions_by_code_signing_config(
        self, caller: Caller, given: dict[str, Any]
    ) -> dict[str, Any]:
        """ListFunctionsByCodeSigningConfig."""
        users = self._users(caller, self._find(given[_ARN]).arn)
        rows, more = page(given, users, lambda function: function.id.name)
        return {**more, "FunctionArns": [function.arn for function in rows]}

    # Functions that use them.

    def put_function_code_signing_config(
        self, caller: Caller, given: dict[str, Any]
    ) -> dict[str, Any]:
        """PutFunctionCodeSigningConfig; it matters from the next deployment on."""
        self._find_for_function(given[_ARN])
        function = self._function(caller, given)
        function.code_signing_config = given[_ARN]
        return _shown(function)

    def get_function_code_signing_config(
        self, caller: Caller, given: dict[str, Any]
    ) -> dict[str, Any]:
        """GetFunctionCodeSigningConfig; for a function without one, AWS answers with nothing."""
        return _shown(self._function(caller, given))

    def delete_function_code_signing_config(
        self, caller: Caller, given: dict[str, Any]
    ) -> dict[str, Any]:
        """DeleteFunctionCodeSigningConfig; a function without one is no error."""
        self._function(caller, given).code_signing_config = None
        return {}

    def check_deployment(self, function: FunctionId, arn: str | None) -> None:
        """Refuse code for a function whose configuration wants a signature, or does not exist."""
        if arn is not None and self._find_for_function(arn).enforced:
            raise aws_error("code-signing.untrusted", name=function.name)

    def tags_of(self, caller: Caller, arn: str) -> dict[str, str]:  # noqa: ARG002
        """The tags of a configuration, to read and to change."""
        return self._find(arn).tags

    # The steps.

    def _function(self, caller: Caller, given: dict[str, Any]) -> Function:
        function = self._directory.function(caller, given)
        if function.latest.configuration.settings.get("PackageType") == "Image":
            raise aws_error("code-signing.image")
        return function

    def _change(self, config: CodeSigningConfig, given: dict[str, Any]) -> None:
        for name in ("Description", "AllowedPublishers"):
            if name in given:
                config.members[name] = given[name]
        if "CodeSigningPolicies" in given:
            config.members["CodeSigningPolicies"] = {_POLICY: "Warn"} | given["CodeSigningPolicies"]
        config.members["LastModified"] = self._clock.stamp()

    def _users(self, caller: Caller, arn: str) -> list[Function]:
        functions = self._directory.registry.of(caller.account, caller.region)
        return [function for function in functions if function.code_signing_config == arn]

    def _find(self, arn: str) -> CodeSigningConfig:
        config = self._configs.get(arn)
        if config is None:
            error = aws_error("code-signing.missing", arn=arn)
            error.members = {"Message": error.message}  # here AWS leaves out the Type, as recorded
            raise error
        return config

    def _find_for_function(self, arn: str) -> CodeSigningConfig:
        config = self._configs.get(arn)
        if config is None:
            raise aws_error("code-signing.missing-for-function", arn=arn)
        return config


def _shown(function: Function) -> dict[str, Any]:
    if function.code_signing_config is None:
        return {}
    return {_ARN: function.code_signing_config, "FunctionName": function.id.name}
