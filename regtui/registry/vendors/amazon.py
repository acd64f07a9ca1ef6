"""Amazon ECR: by the distribution API; its login is a token of the AWS credential chain."""

from __future__ import annotations

import re

import httpx

from regtui.registry.vendors.vendor import Vendor

_PUBLIC = ("public.ecr.aws", "ecr-public.aws.com")  # the latter by IPv6, too
_PRIVATE = re.compile(
    r"\d{12}\.dkr(?:\.ecr(?:-fips)?\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?|-ecr(?:-fips)?\.([a-z0-9-]+)\.on\.aws)"
)


class Amazon(Vendor):
    """Known by its hosts. AWS's own API wants requests signed by SigV4, which regtui does not speak.

    The registry deletes manifests by the distribution API, with all their tags (Amazon ECR, user guide).
    """

    name = "Amazon ECR"

    @classmethod
    def recognises(cls, registry: str, front: httpx.Headers) -> bool:
        return registry in _PUBLIC or _PRIVATE.fullmatch(registry) is not None

    @property
    def log_in(self) -> str:
        registry = self.exchange.registry
        match = _PRIVATE.fullmatch(registry)
        if match:
            token = f"aws ecr get-login-password --region {match[1] or match[2]}"
        else:
            token = "aws ecr-public get-login-password --region us-east-1"
        return (
            f'Install amazon-ecr-credential-helper and put {{"credHelpers": {{"{registry}": "ecr-login"}}}} '
            f"into docker's config.json. Or log in for 12 hours: "
            f"{token} | regtui login {registry} --username AWS --password-stdin"
        )
