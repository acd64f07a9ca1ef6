"""Amazon ECR: its login.

Read: the helper, and the token of 12 hours with the user name AWS ("Private registry authentication in Amazon ECR",
"Registry authentication in Amazon ECR public"; `aws ecr-public get-login-password`, AWS CLI); `dkr-ecr.REGION.on.aws`
("Making requests to Amazon ECR registries"); that the distribution API deletes manifests by digest, with all their
tags ("Deleting signatures and other artifacts", user guide; aws/containers-roadmap issue 1229); that tags/list and the
private catalog want pages of at most a thousand (google/go-containerregistry issues 681 and 1091), which is what
regtui asks for; that public.ecr.aws lists tags (aws/containers-roadmap issue 1262). `ecr-public.aws.com`: as charts
name it. Not looked up: a catalog of public.ecr.aws, deletion by a tag's name, the refusal of immutable tags.
"""

from __future__ import annotations

import httpx
import pytest

from regtui.errors import Answered, Forbidden, LoginNeeded
from regtui.registry.vendors import Removal
from regtui.registry.vendors.amazon import Amazon
from tests.registry.vendors.server import SOMEONE, Network, Reply, flat

HOST = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"


@pytest.mark.parametrize(
    "host",
    [
        HOST,
        "123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com",
        "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn",
        "123456789012.dkr-ecr.eu-west-1.on.aws",
        "public.ecr.aws",
        "ecr-public.aws.com",
    ],
)
def test_amazon_is_known_by_its_hosts(host: str) -> None:
    assert Amazon.recognises(host, httpx.Headers())
    assert not Amazon.recognises(f"{host}.example.com", httpx.Headers())
    assert not Amazon.recognises(f"x{host}", httpx.Headers())


async def test_without_a_login_it_says_how_to_get_one(network: Network) -> None:
    challenge = {"www_authenticate": f'Basic realm="https://{HOST}/",service="ecr.amazonaws.com"'}
    network.on(f"GET {HOST}/v2/", Reply(401, b"Not Authorized\n", {"content_type": "text/plain", **challenge}))
    with pytest.raises(LoginNeeded) as caught:
        await network.client(HOST).ping()
    advice = caught.value.advice
    assert f'{{"credHelpers": {{"{HOST}": "ecr-login"}}}}' in advice
    login = f"aws ecr get-login-password --region eu-west-1 | regtui login {HOST} --username AWS --password-stdin"
    assert advice.endswith(login)


async def test_an_old_token_is_renewed_in_the_same_way(network: Network) -> None:
    said = {"errors": [{"code": "DENIED", "message": "Your authorization token has expired. Reauthenticate."}]}
    network.on(f"GET {HOST}/v2/", Reply(403, said))
    with pytest.raises(Forbidden, match="token has expired") as caught:
        await network.client(HOST, SOMEONE).ping()
    assert "aws ecr get-login-password --region eu-west-1" in caught.value.advice


async def test_the_public_registry_has_another_command(network: Network) -> None:
    advice = network.vendor(Amazon, "public.ecr.aws").log_in
    assert "aws ecr-public get-login-password --region us-east-1 | regtui login public.ecr.aws" in advice


async def test_everything_else_goes_by_the_distribution_api(network: Network) -> None:
    challenge = {"www_authenticate": f'Basic realm="https://{HOST}/",service="ecr.amazonaws.com"'}
    network.on(f"GET {HOST}/v2/_catalog", Reply(401, {}, challenge), {"repositories": ["team/app", "other"]})
    vendor = network.vendor(Amazon, HOST, SOMEONE)
    assert await flat(vendor.repositories("team")) == ["team/app"]
    assert await vendor.removal("team/app", "1") == (Removal.REGISTRY, "")
    network.on("GET public.ecr.aws/v2/_catalog", Reply(404, {"errors": [{"code": "UNSUPPORTED"}]}))
    with pytest.raises(Answered, match="no catalog") as caught:
        await flat(network.vendor(Amazon, "public.ecr.aws").repositories())
    assert "Open one by name" in caught.value.advice
