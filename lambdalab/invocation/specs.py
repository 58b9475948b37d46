"""From a version of a function to what its execution environments are made from."""

from __future__ import annotations

from lambdalab.execution.pool import Lane
from lambdalab.execution.spec import ON_DEMAND, PROVISIONED, SNAP_START, RuntimeSpec
from lambdalab.functions import shown
from lambdalab.functions.records import Configuration
from lambdalab.neighbours.identity import sts

__all__ = ["lane_of", "spec_of"]


def lane_of(deployed: Configuration, *, provisioned: bool = False) -> Lane:
    """Where the environments of a version wait: its provisioned ones, or those made on demand."""
    if provisioned:
        return Lane(deployed.arn, PROVISIONED)
    return Lane(deployed.arn, SNAP_START if deployed.snapshot else ON_DEMAND)


def spec_of(deployed: Configuration, lane: Lane, endpoint_url: str) -> RuntimeSpec:
    """What an environment of a version is made from, with fresh credentials of its role."""
    identity = deployed.function
    return RuntimeSpec(
        account=identity.account,
        region=identity.region,
        name=identity.name,
        arn=identity.arn,
        version=deployed.version,
        runtime=deployed.runtime,
        runtime_version_arn=shown.runtime_version_arn(deployed),
        handler=deployed.handler,
        memory=deployed.memory,
        timeout=deployed.timeout,
        log_group=deployed.log_group,
        task_root=deployed.package.root,
        variables=deployed.variables,
        credentials=sts.role_credentials(
            identity.account, identity.region, deployed.role, identity.name
        ),
        endpoint_url=endpoint_url,
        log_level=deployed.log_level,
        system_log_level=deployed.system_log_level,
        opt=deployed.layers.root if deployed.layers else None,
        storage=deployed.storage,
        initialization=lane.initialization,
    )
