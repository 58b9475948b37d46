"""Which organization an account belongs to, in moto's Organizations."""

from __future__ import annotations

__all__ = ["organization_of"]


def organization_of(account: str) -> str | None:
    """The id of the organization whose management account or member an account is, or None."""
    from moto.organizations.models import organizations_backends

    for partitions in list(organizations_backends.values()):
        for backend in list(partitions.values()):
            if backend.org and account in {member.id for member in backend.accounts}:
                return str(backend.org.id)
    return None
