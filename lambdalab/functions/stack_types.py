"""The resource types of CloudFormation that are Lambda's: a row of data for each.

Which properties a type has, which it needs, and of which a change makes a new resource, is what
CloudFormation's own resource schemas say; ``Ref`` and ``Fn::GetAtt`` give what its reference says.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_Lambda.html
"""

from __future__ import annotations

from lambdalab import facts
from lambdalab.functions.stack_type import Companion, ResourceType, Update

__all__ = ["TYPES"]


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_FUNCTION_KEY = {"FunctionName": "{FunctionName}"}
_QUALIFIED_KEY = {**_FUNCTION_KEY, "Qualifier": "{Qualifier}"}
_SIGNING_ARN = "{CodeSigningConfig[CodeSigningConfigArn]}"
_PROVISIONED = Companion(
    "PutProvisionedConcurrencyConfig", remove="DeleteProvisionedConcurrencyConfig"
)
_RUNTIME = Companion("PutRuntimeManagementConfig", default={"UpdateRuntimeOn": "Auto"})

_FUNCTION = ResourceType(
    create="CreateFunction",
    updates=(Update("UpdateFunctionConfiguration"), Update("UpdateFunctionCode", whole=True)),
    delete="DeleteFunction",
    properties=_names(
        "Architectures CapacityProviderConfig Code CodeSigningConfigArn DeadLetterConfig "
        "Description DurableConfig Environment EphemeralStorage FileSystemConfigs FunctionName "
        "FunctionScalingConfig Handler ImageConfig KmsKeyArn Layers LoggingConfig MemorySize "
        "PackageType PublishToLatestPublished RecursiveLoop ReservedConcurrentExecutions Role "
        "Runtime RuntimeManagementConfig SnapStart Tags TenancyConfig Timeout TracingConfig "
        "VpcConfig"
    ),
    required=("Code", "Role"),
    replaced=_names("FunctionName PackageType TenancyConfig"),
    key=_FUNCTION_KEY,
    reference="{FunctionName}",
    attributes={
        "Arn": "{FunctionArn}",
        "SnapStartResponse.ApplyOn": "{SnapStart[ApplyOn]}",
        "SnapStartResponse.OptimizationStatus": "{SnapStart[OptimizationStatus]}",
    },
    renamed={"KmsKeyArn": "KMSKeyArn"},
    cleared={
        "Architectures": ["x86_64"],
        "DeadLetterConfig": {"TargetArn": ""},
        "Description": "",
        "Environment": {"Variables": {}},
        "EphemeralStorage": {"Size": facts.quota("tmp.default").value},
        "FileSystemConfigs": [],
        "ImageConfig": {},
        "KmsKeyArn": "",
        "Layers": [],
        "LoggingConfig": {"LogFormat": "Text"},
        "MemorySize": facts.quota("memory.default").value,
        "SnapStart": {"ApplyOn": "None"},
        "Timeout": facts.quota("timeout.default").value,
        "TracingConfig": {"Mode": "PassThrough"},
        "VpcConfig": {"SubnetIds": [], "SecurityGroupIds": []},
    },
    companions={
        "CodeSigningConfigArn": Companion(
            "PutFunctionCodeSigningConfig",
            remove="DeleteFunctionCodeSigningConfig",
            in_create=True,
        ),
        "ReservedConcurrentExecutions": Companion(
            "PutFunctionConcurrency", remove="DeleteFunctionConcurrency"
        ),
        "RecursiveLoop": Companion("PutFunctionRecursionConfig", default="Terminate"),
        "RuntimeManagementConfig": _RUNTIME,
    },
    named=("FunctionName", facts.quota("function.name").value),
    custom_named="FunctionName",
    settles="function",
    tagged="{FunctionArn}",
)

_VERSION = ResourceType(
    create="PublishVersion",
    delete="DeleteFunction",
    properties=_names(
        "CodeSha256 Description FunctionName FunctionScalingConfig ProvisionedConcurrencyConfig "
        "RuntimePolicy"
    ),
    required=("FunctionName",),
    replaced=_names(
        "FunctionName Description CodeSha256 ProvisionedConcurrencyConfig RuntimePolicy"
    ),
    key={**_FUNCTION_KEY, "Qualifier": "{Version}"},
    reference="{FunctionArn}",
    attributes={"Version": "{Version}", "FunctionArn": "{FunctionArn}"},
    companions={"ProvisionedConcurrencyConfig": _PROVISIONED, "RuntimePolicy": _RUNTIME},
    settles="function",
)

_ALIAS = ResourceType(
    create="CreateAlias",
    updates=(Update("UpdateAlias"),),
    delete="DeleteAlias",
    properties=_names(
        "Description FunctionName FunctionVersion Name ProvisionedConcurrencyConfig RoutingConfig"
    ),
    required=("FunctionName", "FunctionVersion", "Name"),
    replaced=_names("FunctionName Name"),
    key={**_FUNCTION_KEY, "Name": "{Name}"},
    reference="{AliasArn}",
    attributes={"AliasArn": "{AliasArn}"},
    cleared={"Description": "", "RoutingConfig": {"AdditionalVersionWeights": []}},
    companions={"ProvisionedConcurrencyConfig": _PROVISIONED},
)

_LAYER_VERSION = ResourceType(
    create="PublishLayerVersion",
    delete="DeleteLayerVersion",
    properties=_names(
        "CompatibleArchitectures CompatibleRuntimes Content Description LayerName LicenseInfo"
    ),
    required=("Content",),
    replaced=_names(
        "CompatibleArchitectures CompatibleRuntimes Content Description LayerName LicenseInfo"
    ),
    key={"LayerName": "{LayerArn}", "VersionNumber": "{Version}"},
    reference="{LayerVersionArn}",
    attributes={"LayerVersionArn": "{LayerVersionArn}"},
    named=("LayerName", 64),
)

_LAYER_PERMISSION = ResourceType(
    create="AddLayerVersionPermission",
    delete="RemoveLayerVersionPermission",
    properties=_names("Action LayerVersionArn OrganizationId Principal"),
    required=("Action", "LayerVersionArn", "Principal"),
    replaced=_names("Action LayerVersionArn OrganizationId Principal"),
    key={
        "LayerName": "{LayerName}",
        "VersionNumber": "{VersionNumber}",
        "StatementId": "{StatementId}",
    },
    reference="{LayerName}:{VersionNumber}#{StatementId}",
    attributes={"Id": "{LayerName}:{VersionNumber}#{StatementId}"},
    named=("StatementId", 100),
)

_PERMISSION = ResourceType(
    create="AddPermission",
    delete="RemovePermission",
    properties=_names(
        "Action EventSourceToken FunctionName FunctionUrlAuthType InvokedViaFunctionUrl Principal "
        "PrincipalOrgID SourceAccount SourceArn"
    ),
    required=("Action", "FunctionName", "Principal"),
    replaced=_names(
        "Action EventSourceToken FunctionName FunctionUrlAuthType InvokedViaFunctionUrl Principal "
        "PrincipalOrgID SourceAccount SourceArn"
    ),
    key={**_FUNCTION_KEY, "StatementId": "{StatementId}"},
    reference="{StatementId}",
    attributes={"Id": "{StatementId}"},
    named=("StatementId", 100),
)

_MAPPING = ResourceType(
    create="CreateEventSourceMapping",
    updates=(Update("UpdateEventSourceMapping"),),
    delete="DeleteEventSourceMapping",
    properties=_names(
        "AmazonManagedKafkaEventSourceConfig BatchSize BisectBatchOnFunctionError "
        "DestinationConfig DocumentDBEventSourceConfig Enabled EventSourceArn FilterCriteria "
        "FunctionName FunctionResponseTypes KmsKeyArn LoggingConfig MaximumBatchingWindowInSeconds "
        "MaximumRecordAgeInSeconds MaximumRetryAttempts MetricsConfig ParallelizationFactor "
        "ProvisionedPollerConfig Queues ScalingConfig SelfManagedEventSource "
        "SelfManagedKafkaEventSourceConfig SourceAccessConfigurations StartingPosition "
        "StartingPositionTimestamp Tags Topics TumblingWindowInSeconds"
    ),
    required=("FunctionName",),
    replaced=_names(
        "EventSourceArn SelfManagedEventSource StartingPosition StartingPositionTimestamp"
    ),
    key={"UUID": "{UUID}"},
    reference="{UUID}",
    attributes={"Id": "{UUID}", "EventSourceMappingArn": "{EventSourceMappingArn}"},
    renamed={"KmsKeyArn": "KMSKeyArn"},
    cleared={
        "BisectBatchOnFunctionError": False,
        "DestinationConfig": {"OnFailure": {}},
        "Enabled": True,
        "FilterCriteria": {},
        "FunctionResponseTypes": [],
        "KmsKeyArn": "",
        "MaximumBatchingWindowInSeconds": 0,
        "MaximumRecordAgeInSeconds": -1,
        "MaximumRetryAttempts": -1,
        "MetricsConfig": {},
        "ParallelizationFactor": 1,
        "ProvisionedPollerConfig": {},
        "ScalingConfig": {},
        "SourceAccessConfigurations": [],
        "TumblingWindowInSeconds": 0,
    },
    settles="mapping",
    tagged="{EventSourceMappingArn}",
)

_EVENT_CONFIG = ResourceType(
    create="PutFunctionEventInvokeConfig",
    updates=(Update("PutFunctionEventInvokeConfig", whole=True),),
    delete="DeleteFunctionEventInvokeConfig",
    properties=_names(
        "DestinationConfig FunctionName MaximumEventAgeInSeconds MaximumRetryAttempts Qualifier"
    ),
    required=("FunctionName", "Qualifier"),
    replaced=_names("FunctionName Qualifier"),
    key=_QUALIFIED_KEY,
    reference="{FunctionName}|{Qualifier}",
    known_by="GetFunctionEventInvokeConfig",
)

_URL = ResourceType(
    create="CreateFunctionUrlConfig",
    updates=(Update("UpdateFunctionUrlConfig"),),
    delete="DeleteFunctionUrlConfig",
    properties=_names("AuthType Cors InvokeMode Qualifier TargetFunctionArn"),
    required=("AuthType", "TargetFunctionArn"),
    replaced=_names("Qualifier TargetFunctionArn"),
    key=_QUALIFIED_KEY,
    reference="{FunctionArn}",
    attributes={"FunctionArn": "{FunctionArn}", "FunctionUrl": "{FunctionUrl}"},
    renamed={"TargetFunctionArn": "FunctionName"},
    cleared={"Cors": {}, "InvokeMode": "BUFFERED"},
)

_CODE_SIGNING = ResourceType(
    create="CreateCodeSigningConfig",
    updates=(Update("UpdateCodeSigningConfig"),),
    delete="DeleteCodeSigningConfig",
    properties=_names("AllowedPublishers CodeSigningPolicies Description Tags"),
    required=("AllowedPublishers",),
    key={"CodeSigningConfigArn": _SIGNING_ARN},
    reference=_SIGNING_ARN,
    attributes={
        "CodeSigningConfigArn": _SIGNING_ARN,
        "CodeSigningConfigId": "{CodeSigningConfig[CodeSigningConfigId]}",
    },
    cleared={
        "CodeSigningPolicies": {"UntrustedArtifactOnDeployment": "Warn"},
        "Description": "",
    },
    tagged=_SIGNING_ARN,
)

TYPES: dict[str, ResourceType] = {
    "AWS::Lambda::Alias": _ALIAS,
    "AWS::Lambda::CodeSigningConfig": _CODE_SIGNING,
    "AWS::Lambda::EventInvokeConfig": _EVENT_CONFIG,
    "AWS::Lambda::EventSourceMapping": _MAPPING,
    "AWS::Lambda::Function": _FUNCTION,
    "AWS::Lambda::LayerVersion": _LAYER_VERSION,
    "AWS::Lambda::LayerVersionPermission": _LAYER_PERMISSION,
    "AWS::Lambda::Permission": _PERMISSION,
    "AWS::Lambda::Url": _URL,
    "AWS::Lambda::Version": _VERSION,
}
