"""The resource types of queues, topics, buckets and log groups.

moto's own take some of the properties and forget the others.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/
"""

from __future__ import annotations

from lambdalab.errors import AwsError, aws_error
from lambdalab.neighbours.stacks.services import buckets
from lambdalab.neighbours.stacks.services.service_type import Json, ServiceType, Work
from lambdalab.neighbours.stacks.services.steps import document_of

__all__ = ["TYPES"]


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_QUEUE = _names(
    "ContentBasedDeduplication DeduplicationScope DelaySeconds FifoThroughputLimit"
    " KmsDataKeyReusePeriodSeconds KmsMasterKeyId MaximumMessageSize MessageRetentionPeriod"
    " ReceiveMessageWaitTimeSeconds RedriveAllowPolicy RedrivePolicy SqsManagedSseEnabled"
    " VisibilityTimeout"
)
# What a setting of a queue is again when a template leaves it out; nothing for the others.
_QUEUE_DEFAULTS = {
    "DelaySeconds": "0",
    "MaximumMessageSize": "1048576",
    "MessageRetentionPeriod": "345600",
    "ReceiveMessageWaitTimeSeconds": "0",
    "VisibilityTimeout": "30",
    "ContentBasedDeduplication": "false",
}
_TOPIC = _names(
    "ArchivePolicy ContentBasedDeduplication DisplayName FifoThroughputScope KmsMasterKeyId"
    " SignatureVersion TracingConfig"
)


def _name(work: Work, property_name: str, fifo: str) -> str:
    """The name that a template gives, or one that is made up: those of FIFO things end so."""
    given = work.properties.get(property_name)
    is_fifo = _text(work.properties.get(fifo, "")) == "true"
    return str(given or work.known["_name"] + (".fifo" if is_fifo else ""))


def _text(value: object) -> str:
    if isinstance(value, dict | list):
        return document_of(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _given(properties: Json, names: frozenset[str]) -> dict[str, str]:
    return {name: _text(properties[name]) for name in names if name in properties}


def _refuse_taken(work: Work, kind: str, name: str, operation: str, **given: str) -> None:
    """These services give somebody the thing that is there; a stack does not take it."""
    try:
        work.act(operation, **given)
    except AwsError:
        return
    raise aws_error("stack.exists", type=kind, identifier=name)


def _queue(work: Work) -> None:
    """Make a queue, or set what is another than before."""
    attributes = _given(work.properties, _QUEUE)
    if "QueueUrl" in work.known:
        before = _given(work.before, _QUEUE)
        gone = {name: _QUEUE_DEFAULTS.get(name, "") for name in before.keys() - attributes.keys()}
        changed = {name: one for name, one in attributes.items() if before.get(name) != one}
        if gone | changed:
            url = work.known["QueueUrl"]
            work.act("SetQueueAttributes", QueueUrl=url, Attributes=gone | changed)
        return
    name = _name(work, "QueueName", "FifoQueue")
    _refuse_taken(work, "AWS::SQS::Queue", name, "GetQueueUrl", QueueName=name)
    if _text(work.properties.get("FifoQueue", "")) == "true":
        attributes["FifoQueue"] = "true"
    tags = {one["Key"]: one["Value"] for one in work.properties.get("Tags", [])}
    answer = work.act("CreateQueue", QueueName=name, Attributes=attributes, tags=tags)
    work.known.update(QueueName=name, QueueUrl=answer["QueueUrl"])


def _topic(work: Work) -> None:
    """Make a topic, or set what is another than before."""
    attributes = _given(work.properties, _TOPIC)
    if "TopicArn" not in work.known:
        name = _name(work, "TopicName", "FifoTopic")
        arn = "arn:aws:sns:{_region}:{_account}:".format_map(work.known) + name
        _refuse_taken(work, "AWS::SNS::Topic", arn, "GetTopicAttributes", TopicArn=arn)
        if _text(work.properties.get("FifoTopic", "")) == "true":
            attributes["FifoTopic"] = "true"
        tags = work.properties.get("Tags", [])
        work.act("CreateTopic", Name=name, Attributes=attributes, Tags=tags)
        work.known.update(TopicName=name, TopicArn=arn)
    else:
        _set_topic(work, _given(work.before, _TOPIC), attributes)
    _subscribe(work)


def _set_topic(work: Work, before: dict[str, str], after: dict[str, str]) -> None:
    gone = dict.fromkeys(before.keys() - after.keys(), "")
    changed = {name: one for name, one in after.items() if before.get(name) != one}
    for name, value in (gone | changed).items():
        work.act(
            "SetTopicAttributes",
            TopicArn=work.known["TopicArn"],
            AttributeName=name,
            AttributeValue=value,
        )


def _subscribe(work: Work) -> None:
    """The subscriptions that stand in the topic itself."""
    arn = work.known["TopicArn"]
    after, before = work.properties.get("Subscription", []), work.before.get("Subscription", [])
    for one in after:
        if one not in before:
            work.act("Subscribe", TopicArn=arn, Protocol=one["Protocol"], Endpoint=one["Endpoint"])
    gone = [(one["Protocol"], one["Endpoint"]) for one in before if one not in after]
    known = work.act("ListSubscriptionsByTopic", TopicArn=arn)["Subscriptions"] if gone else []
    for one in known:
        if (one["Protocol"], one["Endpoint"]) in gone:
            work.act("Unsubscribe", SubscriptionArn=one["SubscriptionArn"])


def _retention(work: Work) -> None:
    """How long a log group keeps its events."""
    group, days = {"logGroupName": work.known["logGroupName"]}, work.properties
    if "RetentionInDays" in days and work.changed("RetentionInDays"):
        work.act("PutRetentionPolicy", **group, retentionInDays=days["RetentionInDays"])
    elif "RetentionInDays" in work.before and "RetentionInDays" not in days:
        work.act("DeleteRetentionPolicy", **group)


TYPES = {
    "AWS::SQS::Queue": ServiceType(
        "sqs",
        delete="DeleteQueue",
        key={"QueueUrl": "{QueueUrl}"},
        reference="{QueueUrl}",
        attributes={
            "Arn": "arn:aws:sqs:{_region}:{_account}:{QueueName}",
            "QueueName": "{QueueName}",
            "QueueUrl": "{QueueUrl}",
        },
        replaced=_names("FifoQueue QueueName"),
        stepped=_QUEUE | {"Tags", "FifoQueue", "QueueName"},
        steps=(_queue,),
    ),
    "AWS::SNS::Topic": ServiceType(
        "sns",
        delete="DeleteTopic",
        key={"TopicArn": "{TopicArn}"},
        reference="{TopicArn}",
        attributes={"TopicArn": "{TopicArn}", "TopicName": "{TopicName}"},
        replaced=_names("FifoTopic TopicName"),
        stepped=_TOPIC | {"Tags", "FifoTopic", "Subscription", "TopicName"},
        steps=(_topic,),
    ),
    "AWS::S3::Bucket": ServiceType(
        "s3",
        delete="DeleteBucket",
        key={"Bucket": "{Bucket}"},
        reference="{Bucket}",
        attributes={
            "Arn": "arn:aws:s3:::{Bucket}",
            "DomainName": "{Bucket}.s3.amazonaws.com",
            "DualStackDomainName": "{Bucket}.s3.dualstack.{_region}.amazonaws.com",
            "RegionalDomainName": "{Bucket}.s3.{_region}.amazonaws.com",
            "WebsiteURL": "http://{Bucket}.s3-website-{_region}.amazonaws.com",
        },
        replaced=_names("BucketName"),
        stepped=buckets.PROPERTIES,
        steps=(buckets.make, buckets.configure),
    ),
    "AWS::Logs::LogGroup": ServiceType(
        "logs",
        "CreateLogGroup",
        "DeleteLogGroup",
        key={"logGroupName": "{logGroupName}"},
        reference="{logGroupName}",
        attributes={"Arn": "arn:aws:logs:{_region}:{_account}:log-group:{logGroupName}:*"},
        named="LogGroupName",
        replaced=_names("LogGroupName"),
        stepped=_names("RetentionInDays Tags"),
        steps=(_retention,),
    ),
    "AWS::Logs::LogStream": ServiceType(
        "logs",
        "CreateLogStream",
        "DeleteLogStream",
        key={"logGroupName": "{logGroupName}", "logStreamName": "{logStreamName}"},
        reference="{logStreamName}",
        named="LogStreamName",
    ),
}
