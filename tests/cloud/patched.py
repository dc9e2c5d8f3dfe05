# Licensed under the Apache License, Version 2.0 (the "License"); you may
# not use this file except in compliance with the License. You may obtain
# a copy of the License at
#
#      http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS, WITHOUT
# WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the
# License for the specific language governing permissions and limitations
# under the License.


"""Services of the cloud that run with the patches of this project."""

from __future__ import annotations

from importlib import util
import pathlib
import shutil

from allinone.openstack import rpc
from patches import apply


class Patched(rpc.RpcService):
    """A service as released, with the patches of patches/.

    :param released: takes its place
    :param tree: an empty directory for the packages of its project
    """

    def __init__(self, released: rpc.RpcService, tree: pathlib.Path) -> None:
        super().__init__(
            released.site, released.broker, released.name, released.conf,
            queue=released.queue, places=released.places)
        self.tree = tree
        _patch(released.name.partition('-')[0], tree)

    def program(self) -> list[str]:
        return ['/usr/bin/env', f'PYTHONPATH={self.tree}', *super().program()]


def _patch(project: str, tree: pathlib.Path) -> None:
    """Make a patched copy of a project in the directory *tree*."""
    # To import it would have this process be one of eventlet's.
    spec = util.find_spec(project)
    assert spec is not None and spec.origin is not None
    package = pathlib.Path(spec.origin).parent
    shutil.copytree(package, tree / project,
                    ignore=shutil.ignore_patterns('tests', '__pycache__'))
    for metadata in package.parent.glob(project + '-*.dist-info'):
        shutil.copytree(metadata, tree / metadata.name)
    assert not apply.main(['apply', str(tree)])
