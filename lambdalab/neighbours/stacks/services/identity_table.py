"""The resource types of Cognito: user pools and what belongs to them, identity pools.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_Cognito.html
"""

from __future__ import annotations

from lambdalab.neighbours.stacks.services.service_type import ServiceType, Work

__all__ = ["TYPES"]


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _roles(work: Work) -> None:
    """The roles of an identity pool, as they are now to be."""
    work.act(
        "SetIdentityPoolRoles",
        IdentityPoolId=work.properties.get("IdentityPoolId", ""),
        Roles=work.properties.get("Roles", {}),
    )


def _forget_server(work: Work) -> None:
    """A resource server goes: moto has no call for it."""
    from moto.cognitoidp.models import cognitoidp_backends

    known = work.known
    pools = cognitoidp_backends[known["_account"]][known["_region"]].user_pools
    if known["UserPoolId"] in pools:
        pools[known["UserPoolId"]].resource_servers.pop(known["Identifier"], None)


TYPES = {
    "AWS::Cognito::UserPool": ServiceType(
        "cognito-idp",
        "CreateUserPool",
        "DeleteUserPool",
        update="UpdateUserPool",
        key={"UserPoolId": "{Id}"},
        reference="{Id}",
        attributes={
            "Arn": "{Arn}",
            "ProviderName": "cognito-idp.{_region}.amazonaws.com/{Id}",
            "ProviderURL": "https://cognito-idp.{_region}.amazonaws.com/{Id}",
            "UserPoolId": "{Id}",
        },
        named="UserPoolName",
        renamed={"UserPoolName": "PoolName"},
    ),
    "AWS::Cognito::UserPoolClient": ServiceType(
        "cognito-idp",
        "CreateUserPoolClient",
        "DeleteUserPoolClient",
        update="UpdateUserPoolClient",
        key={"UserPoolId": "{UserPoolId}", "ClientId": "{ClientId}"},
        reference="{ClientId}",
        attributes={"ClientId": "{ClientId}", "ClientSecret": "{ClientSecret}"},
        named="ClientName",
        replaced=_names("UserPoolId GenerateSecret"),
    ),
    "AWS::Cognito::UserPoolDomain": ServiceType(
        "cognito-idp",
        "CreateUserPoolDomain",
        "DeleteUserPoolDomain",
        update="UpdateUserPoolDomain",
        key={"UserPoolId": "{UserPoolId}", "Domain": "{Domain}"},
        reference="{Domain}",
        attributes={"CloudFrontDistribution": "{CloudFrontDomain}"},
        replaced=_names("UserPoolId Domain"),
    ),
    "AWS::Cognito::UserPoolResourceServer": ServiceType(
        "cognito-idp",
        "CreateResourceServer",
        update="UpdateResourceServer",
        key={"UserPoolId": "{UserPoolId}", "Identifier": "{Identifier}"},
        reference="{Identifier}",
        replaced=_names("UserPoolId Identifier"),
        undo=(_forget_server,),
    ),
    "AWS::Cognito::UserPoolGroup": ServiceType(
        "cognito-idp",
        "CreateGroup",
        "DeleteGroup",
        update="UpdateGroup",
        key={"UserPoolId": "{UserPoolId}", "GroupName": "{GroupName}"},
        reference="{GroupName}",
        named="GroupName",
        replaced=_names("UserPoolId GroupName"),
    ),
    "AWS::Cognito::UserPoolUser": ServiceType(
        "cognito-idp",
        "AdminCreateUser",
        "AdminDeleteUser",
        key={"UserPoolId": "{UserPoolId}", "Username": "{Username}"},
        reference="{Username}",
        named="Username",
    ),
    "AWS::Cognito::IdentityPool": ServiceType(
        "cognito-identity",
        "CreateIdentityPool",
        "DeleteIdentityPool",
        update="UpdateIdentityPool",
        key={"IdentityPoolId": "{IdentityPoolId}"},
        reference="{IdentityPoolId}",
        attributes={"Id": "{IdentityPoolId}", "Name": "{IdentityPoolName}"},
        named="IdentityPoolName",
    ),
    "AWS::Cognito::IdentityPoolRoleAttachment": ServiceType(
        "cognito-identity",
        reference="{_name}",
        attributes={"Id": "{_name}"},
        replaced=_names("IdentityPoolId"),
        stepped=_names("IdentityPoolId Roles"),
        steps=(_roles,),
    ),
}
