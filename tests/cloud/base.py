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

"""A running cloud, whose services get other settings for a while.

$GLANCE_PROGRESS_CLOUD is its directory, see tools/run-cloud.sh. The tests run
in the environment of its services.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
import functools
import os
import pathlib
import sys
import time
from typing import Any

from openstack import exceptions
import testtools

from allinone import ini
from allinone.openstack import accounts
from allinone.openstack import cloud
from allinone import service

#: Seconds in which a machine with other things to do gets anything done.
PATIENCE = 180

#: Seconds between two looks, which cost the services some work.
POLL = 0.5

#: section -> option -> value; None takes the option away
Edits = Mapping[str, Mapping[str, 'str | None']]


@functools.cache
def machine() -> cloud.Cloud:
    """Return the cloud, all services of which run."""
    directory = pathlib.Path(os.environ['GLANCE_PROGRESS_CLOUD'])
    found = cloud.Cloud(directory, pathlib.Path(sys.prefix))
    for daemon, _ in found.services:
        if not daemon.running:
            raise service.ServiceError(daemon.name, 'does not run')
    return found


@functools.cache
def connect(user: str) -> Any:
    """Return an openstacksdk connection of this run."""
    return accounts.connect(machine().site, user)


def wait_for(what: str, look: Callable[[], Any]) -> Any:
    """Look until there is something and return it.

    :raises TimeoutError: after PATIENCE
    """
    deadline = time.monotonic() + PATIENCE
    while not (found := look()):
        if time.monotonic() > deadline:
            raise TimeoutError('%s: not after %d s' % (what, PATIENCE))
        time.sleep(POLL)
    return found


class Settings:
    """Gives a service other options in its file, and the old ones again.

    :param path: the configuration file
    :param daemon: the service, which restarts when the file changes
    """

    def __init__(self, path: pathlib.Path, daemon: service.Service) -> None:
        self.path = path
        self.daemon = daemon
        self.before = path.read_text()

    def edit(self, edits: Edits) -> None:
        """Let the service run with these options, and otherwise as before.

        :raises ServiceError: if it does not come up
        """
        parsed = ini.parser()
        parsed.read_string(self.before)
        for section, options in edits.items():
            for name, value in options.items():
                if value is None:
                    parsed.remove_option(section, name)
                    continue
                if not parsed.has_section(section):
                    parsed.add_section(section)
                parsed.set(section, name, value)
        self._write(ini.text(parsed) if edits else self.before)

    def _write(self, text: str) -> None:
        if text == self.path.read_text() and self.daemon.running:
            return
        self.path.write_text(text)
        self.daemon.restart(PATIENCE)

    def run(self, daemon: service.Service) -> None:
        """Let another one take the service's place."""
        if daemon is not self.daemon:
            self.daemon.stop()
            self.daemon = daemon


def create_server(name: str, image: str) -> Any:
    """Boot a server of the user `demo`."""
    compute = connect('demo').compute
    server = compute.create_server(
        name=name, networks='none',
        image_id=connect('demo').image.find_image(image).id,
        flavor_id=compute.find_flavor('tiny').id)
    return compute.wait_for_server(server, wait=PATIENCE)


def delete_server(server: Any) -> None:
    compute = connect('demo').compute
    compute.delete_server(server, force=False)
    compute.wait_for_delete(server, wait=PATIENCE)


def find_image(image_id: str) -> Any:
    """Return an image of the user `demo`, or None if there is none."""
    try:
        return connect('demo').image.get_image(image_id)
    except exceptions.NotFoundException:
        return None


def progress(image_id: str) -> dict[str, Any]:
    """Return what the API says of an image to the user `demo`."""
    answer = connect('demo').session.get(
        f'/v2/images/{image_id}/progress', timeout=PATIENCE,
        endpoint_filter={'service_type': 'image'}).json()
    assert isinstance(answer, dict)
    return answer


def assert_told(
    test: testtools.TestCase, answers: Iterable[dict[str, Any]]
) -> None:
    """The size was told: there is a total, and what follows from it.

    :param answers: what the API has said of an image of 1 GiB
    """
    uploading = [(answer['percent'], store)
                 for answer in answers if answer['phase'] == 'upload'
                 for store in answer['stores']]
    test.assertEqual({2 ** 30}, {
        store['total_bytes'] for _, store in uploading})
    test.assertIn(True, [
        0 < percent < 100 and percent == store['percent']
        and (store['eta'] or 0) > 0 for percent, store in uploading])
