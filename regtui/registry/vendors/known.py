"""The vendors that regtui knows, in the order in which they are recognised: names of hosts before headers."""

from __future__ import annotations

from regtui.registry.vendors.amazon import Amazon
from regtui.registry.vendors.artifactory import Artifactory
from regtui.registry.vendors.azure import Azure
from regtui.registry.vendors.gitea import Gitea
from regtui.registry.vendors.gitlab import GitLab
from regtui.registry.vendors.google import Google
from regtui.registry.vendors.harbor import Harbor
from regtui.registry.vendors.nexus import Nexus
from regtui.registry.vendors.vendor import Vendor

VENDORS: tuple[type[Vendor], ...] = (
    Google,
    Amazon,
    Azure,
    Harbor,
    GitLab,
    Gitea,
    Artifactory,
    Nexus,
)
