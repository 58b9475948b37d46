"""The resource types that are made by calls to their services: a row of data for each.

What a type is called by, and of what a change makes another resource, is what CloudFormation's
reference says. Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/
"""

from __future__ import annotations

from lambdalab.neighbours.stacks.services import (
    api_table,
    balancer_table,
    dynamodb_table,
    identity_table,
    roles,
    scaling_table,
    steps,
    storage_table,
    workflow_table,
)
from lambdalab.neighbours.stacks.services.service_type import ServiceType

__all__ = ["TYPES"]


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_SUBSCRIPTION = (
    "FilterPolicy", "FilterPolicyScope", "RawMessageDelivery", "RedrivePolicy", "DeliveryPolicy",
    "SubscriptionRoleArn",
)  # fmt: skip

_EVENTS = {
    "AWS::Events::Rule": ServiceType(
        "events",
        "PutRule",
        "DeleteRule",
        update="PutRule",
        key={"Name": "{Name}", "EventBusName": "{EventBusName}"},
        reference="{Name}",
        attributes={"Arn": "{RuleArn}"},
        named="Name",
        replaced=_names("Name EventBusName"),
        stepped=_names("Targets"),
        steps=(steps.put_targets,),
        undo=(steps.remove_targets,),
    ),
    "AWS::Events::EventBus": ServiceType(
        "events",
        "CreateEventBus",
        "DeleteEventBus",
        key={"Name": "{Name}"},
        reference="{Name}",
        attributes={"Arn": "{EventBusArn}", "Name": "{Name}"},
        named="Name",
    ),
    "AWS::Events::EventBusPolicy": ServiceType(
        "events",
        "PutPermission",
        "RemovePermission",
        update="PutPermission",
        key={"EventBusName": "{EventBusName}", "StatementId": "{StatementId}"},
        reference="{EventBusName}|{StatementId}",
        replaced=_names("EventBusName StatementId"),
        prepare=steps.statement,
    ),
    "AWS::Scheduler::Schedule": ServiceType(
        "scheduler",
        "CreateSchedule",
        "DeleteSchedule",
        update="UpdateSchedule",
        key={"Name": "{Name}", "GroupName": "{GroupName}"},
        reference="{Name}",
        attributes={"Arn": "{ScheduleArn}"},
        named="Name",
        replaced=_names("Name GroupName"),
    ),
    "AWS::Scheduler::ScheduleGroup": ServiceType(
        "scheduler",
        "CreateScheduleGroup",
        "DeleteScheduleGroup",
        key={"Name": "{Name}"},
        reference="{Name}",
        attributes={"Arn": "{ScheduleGroupArn}"},
        named="Name",
    ),
    "AWS::IoT::TopicRule": ServiceType(
        "iot",
        "CreateTopicRule",
        "DeleteTopicRule",
        update="ReplaceTopicRule",
        key={"ruleName": "{ruleName}"},
        reference="{ruleName}",
        attributes={"Arn": "arn:aws:iot:{_region}:{_account}:rule/{ruleName}"},
        named="RuleName",
        name_form=lambda name: name.replace("-", "_"),
        replaced=_names("RuleName"),
    ),
}

_MESSAGES = {
    "AWS::SNS::Subscription": ServiceType(
        "sns",
        "Subscribe",
        "Unsubscribe",
        key={"SubscriptionArn": "{SubscriptionArn}"},
        reference="{SubscriptionArn}",
        attributes={"Arn": "{SubscriptionArn}"},
        stepped=_names(" ".join((*_SUBSCRIPTION, "Region"))),
        steps=(steps.attributes(*_SUBSCRIPTION),),
    ),
    "AWS::SNS::TopicPolicy": ServiceType(
        "sns",
        reference="{_name}",
        stepped=_names("PolicyDocument Topics"),
        steps=(steps.policy("SetTopicAttributes", "Topics", "TopicArn", attribute=True),),
    ),
    "AWS::SQS::QueuePolicy": ServiceType(
        "sqs",
        reference="{_name}",
        stepped=_names("PolicyDocument Queues"),
        steps=(steps.policy("SetQueueAttributes", "Queues", "QueueUrl", attribute=True),),
    ),
    "AWS::S3::BucketPolicy": ServiceType(
        "s3",
        reference="{_name}",
        stepped=_names("PolicyDocument Bucket"),
        steps=(steps.policy("PutBucketPolicy", "Bucket", "Bucket", attribute=False),),
    ),
}

_WATCHING = {
    "AWS::CloudWatch::Alarm": ServiceType(
        "cloudwatch",
        "PutMetricAlarm",
        "DeleteAlarms",
        update="PutMetricAlarm",
        key={"AlarmNames": "{AlarmName}", "AlarmName": "{AlarmName}"},
        reference="{AlarmName}",
        attributes={"Arn": "arn:aws:cloudwatch:{_region}:{_account}:alarm:{AlarmName}"},
        named="AlarmName",
        replaced=_names("AlarmName"),
    ),
    "AWS::Logs::SubscriptionFilter": ServiceType(
        "logs",
        "PutSubscriptionFilter",
        "DeleteSubscriptionFilter",
        update="PutSubscriptionFilter",
        key={"logGroupName": "{logGroupName}", "filterName": "{filterName}"},
        reference="{filterName}",
        named="FilterName",
        replaced=_names("FilterName LogGroupName"),
    ),
    "AWS::Logs::MetricFilter": ServiceType(
        "logs",
        "PutMetricFilter",
        "DeleteMetricFilter",
        update="PutMetricFilter",
        key={"logGroupName": "{logGroupName}", "filterName": "{filterName}"},
        reference="{filterName}",
        named="FilterName",
        replaced=_names("FilterName LogGroupName"),
    ),
}

_OTHERS = {
    "AWS::Kinesis::StreamConsumer": ServiceType(
        "kinesis",
        "RegisterStreamConsumer",
        "DeregisterStreamConsumer",
        key={"ConsumerARN": "{ConsumerARN}"},
        reference="{ConsumerARN}",
        attributes={
            "ConsumerARN": "{ConsumerARN}",
            "ConsumerName": "{ConsumerName}",
            "ConsumerStatus": "ACTIVE",
            "StreamARN": "{StreamARN}",
        },
    ),
    # CDK tells AWS with it which constructs are in use; nothing is made of it.
    "AWS::CDK::Metadata": ServiceType(
        "cloudformation", reference="{_name}", stepped=_names("Analytics")
    ),
    "AWS::IAM::Role": ServiceType(
        "iam",
        "CreateRole",
        "DeleteRole",
        update="UpdateRole",
        key={"RoleName": "{RoleName}"},
        reference="{RoleName}",
        attributes={"Arn": "{Arn}", "RoleId": "{RoleId}"},
        named="RoleName",
        name_form=roles.shortened(64),
        replaced=_names("RoleName Path"),
        stepped=_names(
            "AssumeRolePolicyDocument ManagedPolicyArns PermissionsBoundary Policies Tags"
        ),
        steps=(roles.furnish_role,),
        undo=(roles.strip_role,),
    ),
    "AWS::IAM::ManagedPolicy": ServiceType(
        "iam",
        "CreatePolicy",
        "DeletePolicy",
        key={"PolicyArn": "{Arn}"},
        reference="{Arn}",
        attributes={"PolicyArn": "{Arn}", "PolicyId": "{PolicyId}"},
        named="ManagedPolicyName",
        renamed={"ManagedPolicyName": "PolicyName"},
        stepped=_names("PolicyDocument Roles Groups Users"),
        steps=(roles.new_policy_version, roles.attach),
        undo=(roles.detach,),
    ),
    "AWS::CodeDeploy::Application": ServiceType(
        "codedeploy",
        "CreateApplication",
        "DeleteApplication",
        key={"applicationName": "{applicationName}"},
        reference="{applicationName}",
        named="ApplicationName",
    ),
    "AWS::CodeDeploy::DeploymentConfig": ServiceType(
        "codedeploy",
        "CreateDeploymentConfig",
        "DeleteDeploymentConfig",
        key={"deploymentConfigName": "{deploymentConfigName}"},
        reference="{deploymentConfigName}",
        named="DeploymentConfigName",
    ),
    "AWS::CodeDeploy::DeploymentGroup": ServiceType(
        "codedeploy",
        "CreateDeploymentGroup",
        "DeleteDeploymentGroup",
        update="UpdateDeploymentGroup",
        key={
            "applicationName": "{applicationName}",
            "deploymentGroupName": "{deploymentGroupName}",
            "currentDeploymentGroupName": "{deploymentGroupName}",
        },
        reference="{deploymentGroupName}",
        named="DeploymentGroupName",
        replaced=_names("ApplicationName DeploymentGroupName"),
    ),
    "AWS::SecretsManager::Secret": ServiceType(
        "secretsmanager",
        "CreateSecret",
        "DeleteSecret",
        update="UpdateSecret",
        key={"SecretId": "{ARN}"},
        reference="{ARN}",
        attributes={"Id": "{ARN}"},
        named="Name",
        replaced=_names("Name"),
        stepped=_names("GenerateSecretString"),
        steps=(steps.generate,),
    ),
    "AWS::SecretsManager::RotationSchedule": ServiceType(
        "secretsmanager",
        "",
        "CancelRotateSecret",
        key={"SecretId": "{SecretId}"},
        reference="{SecretId}",
        stepped=_names("SecretId RotationLambdaARN RotationRules"),
        steps=(steps.rotate,),
    ),
    "AWS::KinesisFirehose::DeliveryStream": ServiceType(
        "firehose",
        "CreateDeliveryStream",
        "DeleteDeliveryStream",
        key={"DeliveryStreamName": "{DeliveryStreamName}"},
        reference="{DeliveryStreamName}",
        attributes={"Arn": "{DeliveryStreamARN}"},
        named="DeliveryStreamName",
    ),
}

_ELSEWHERE = (
    api_table,
    balancer_table,
    dynamodb_table,
    identity_table,
    scaling_table,
    storage_table,
    workflow_table,
)

TYPES = _EVENTS | _MESSAGES | _WATCHING | _OTHERS
for _table in _ELSEWHERE:
    TYPES |= _table.TYPES
