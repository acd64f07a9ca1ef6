"""The vendors that regtui knows, in the order in which they are recognised: names of hosts before headers."""

from __future__ import annotations

from regtui.registry.vendors.amazon import Amazon
from regtui.registry.vendors.artifactory import Artifactory
from regtui.registry.vendors.azure import Azure
from regtui.registry.vendors.docker_hub import DockerHub
from regtui.registry.vendors.ghcr import GHCR
from regtui.registry.vendors.gitea import Gitea
from regtui.registry.vendors.gitlab import GitLab
from regtui.registry.vendors.google import Google
from regtui.registry.vendors.harbor import Harbor
from regtui.registry.vendors.nexus import Nexus
from regtui.registry.vendors.quay import Quay
from regtui.registry.vendors.red_hat import RedHat
from regtui.registry.vendors.vendor import Vendor

VENDORS: tuple[type[Vendor], ...] = (
    DockerHub,
    RedHat,
    GHCR,
    Google,
    Amazon,
    Azure,
    Quay,
    Harbor,
    GitLab,
    Gitea,
    Artifactory,
    Nexus,
)
