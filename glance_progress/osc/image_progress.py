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

"""Runs ``openstack image progress``, for everyone who may see an image.

The commands extend those of OpenStackClient on images. They have no API of
their own, and so there is no plugin module that would bring one.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from collections.abc import Sequence
import contextlib
import itertools
import logging
from typing import Any
import uuid

from keystoneauth1 import adapter
from keystoneauth1 import exceptions
from openstack import exceptions as sdk_exceptions
from osc_lib.cli import parseractions
from osc_lib.command import command

from glance_progress.cli import arguments
from glance_progress.cli import display
from glance_progress.cli import outcome
from glance_progress import client
from glance_progress.osc import columns
from glance_progress.osc import life
from glance_progress.osc import service
from glance_progress.osc import transit

LOG = logging.getLogger(__name__)

_FIELDS = ('image_id', 'name', 'owner', 'status', 'phase', 'size', 'percent',
           'source', 'stores', 'last_failure', 'hashed', 'waiting_for',
           'waiting_since', 'waiting_since_iso', 'import_lock',
           'silent_since', 'silent_since_iso', 'volume_snapshots')
_FORMATS = {'name': columns.Name, 'size': columns.Size,
            'percent': columns.Percent, 'stores': columns.Stores,
            'last_failure': columns.Failure, 'hashed': columns.Hashed,
            'waiting_for': columns.Text,
            'waiting_since': columns.Time, 'waiting_since_iso': columns.Text,
            'import_lock': columns.Lock, 'silent_since': columns.Time,
            'silent_since_iso': columns.Text, 'failure': columns.Reason,
            'volume_snapshots': columns.VolumeSnapshots}

_LISTED = {'image_id': 'ID', 'name': 'Name', 'status': 'Status',
           'phase': 'Phase', 'percent': 'Percent', 'stores': 'Stores',
           'waiting_for': 'Waiting For'}
_LISTED_OF_ALL = {**_LISTED, 'owner': 'Project'}
_LISTED_FAILED = {
    'image_id': 'ID', 'name': 'Name', 'status': 'Status',
    'updated_at_iso': 'Failed At', 'store': 'Store',
    'request_id': 'Request ID', 'failure': 'Failure'}
_LISTED_FAILED_OF_ALL = {**_LISTED_FAILED, 'owner': 'Project'}


def _values(
    snapshot: client.Snapshot, fields: Iterable[str]
) -> tuple[Any, ...]:
    """Return the values of *fields*, in the columns that format them."""
    # A server of another version may not have all of them.
    return tuple(_FORMATS.get(field, lambda value: value)(snapshot.get(field))
                 for field in fields)


def _with_failure(snapshot: client.Snapshot) -> client.Snapshot:
    """Return *snapshot* with what is known of its last failure."""
    # Without a record the database knows of it, by store.
    of_store: dict[str, Any] = next(
        (each for each in snapshot['stores'] if each['state'] == 'failed'), {})
    failure = snapshot['last_failure'] or of_store
    return {**snapshot, **{name: failure.get(name) for name in (
        'updated_at_iso', 'store', 'request_id', 'failure')}}


class _Command(command.Command):
    """Finds an image, and where to ask for its progress."""

    app: Any  # the clients that it has are those of its plugins

    def _session(self) -> adapter.Adapter:
        return service.session(self.app)

    def _image_id(self, name_or_id: str) -> str:
        try:
            return str(self.app.client_manager.image.find_image(
                name_or_id, ignore_missing=False).id)
        except sdk_exceptions.NotFoundException:
            # That of a deleted image may have failed before.
            if not _is_id(name_or_id):
                raise
            return name_or_id


def _is_id(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True


def _add_image(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        'image', metavar='<image>', help='Image to show (name or ID)')


class ShowImageProgress(_Command, command.ShowOne):
    """Show how far an image is, as the stores see it"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        _add_image(parser)
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Any]]:
        snapshot = client.show(
            self._session(), self._image_id(parsed_args.image))
        return _FIELDS, _values(snapshot, _FIELDS)


class ListImageProgress(_Command, command.Lister):
    """List images whose data are on their way to a store"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            '--all-projects', '--all', dest='all', action='store_true',
            help='List all images in transit that you may see, for an admin '
                 'those of all projects, and not only those of your project')
        parser.add_argument(
            '--limit', type=int, action=parseractions.NonNegativeAction,
            metavar='<num-images>', help='List at most so many images')
        parser.add_argument(
            '--failed', action='store_true',
            help='List images whose data have failed to arrive, with the '
                 'reason, also images that were deleted since')
        parser.add_argument(
            '--watch', action='store_true',
            help='Show what is in transit for as long as you like: a live '
                 'view on a terminal, elsewhere a line for all that is new')
        return parser

    def run(self, parsed_args: argparse.Namespace) -> int:
        if not parsed_args.watch:
            return int(super().run(parsed_args))
        if parsed_args.failed or parsed_args.limit is not None:
            LOG.error('--watch goes with neither --failed nor --limit')
            return outcome.UNUSABLE
        try:
            session = self._session()
            with contextlib.closing(transit.choose()) as view:
                transit.watch(session, _of_project(
                    session, parsed_args.all), view)
        except KeyboardInterrupt:
            return outcome.INTERRUPTED
        except (client.ProgressError, exceptions.ClientException) as exc:
            LOG.error('%s', exc)
            return outcome.UNUSABLE
        return outcome.FINISHED

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Any]]:
        session = self._session()
        images = client.list_images(session, parsed_args.failed)
        if parsed_args.failed:
            fields = (_LISTED_FAILED_OF_ALL if parsed_args.all
                      else _LISTED_FAILED)
            images = map(_with_failure, images)
        else:
            fields = _LISTED_OF_ALL if parsed_args.all else _LISTED
        images = filter(_of_project(session, parsed_args.all), images)
        return tuple(fields.values()), (
            _values(each, fields)
            for each in itertools.islice(images, parsed_args.limit))


def _of_project(session: adapter.Adapter, all_of_them: bool) -> transit.Select:
    """Return what tells whether to list an image."""
    project = session.get_project_id()
    # Without a project, as a system's admin is, there is nothing to select by.
    return lambda snapshot: (
        all_of_them or project in (None, snapshot['owner']))


class WatchImageProgress(_Command):
    """Follow an image until it is active, or has failed.

    There is a bar for each store and, above, the states that the image has
    gone through. The exit status is 0 when the image is done, 1 when it has
    failed or was deleted, 2 when nothing has happened for the time of
    --timeout, and 255 when the command could not look.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        _add_image(parser)
        parser.add_argument(
            '--interval', type=arguments.seconds, default=1.0,
            metavar='<seconds>',
            help='Time between two looks, default 1, and more where the '
                 'server asks for it')
        parser.add_argument(
            '--timeout', type=arguments.seconds, metavar='<seconds>',
            help='Give up when nothing has happened for so long; without it, '
                 'stay for as long as there is the image')
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        try:
            snapshots = client.watch(
                self._session(), self._image_id(parsed_args.image),
                parsed_args.interval, parsed_args.timeout)
            output = display.choose(as_json=False, live=True)
            with contextlib.closing(output):
                return _follow(snapshots, output)
        except KeyboardInterrupt:
            return outcome.INTERRUPTED
        except client.NothingHappens as exc:
            LOG.error('%s', exc)
            return outcome.STALLED
        except client.ImageDeleted as exc:
            LOG.error('%s', display.printable(str(exc)))
            return outcome.FAILED
        # OpenStackClient would make it 1, which is a failed upload here.
        except (client.ProgressError, exceptions.ClientException,
                sdk_exceptions.SDKException) as exc:
            LOG.error('%s', exc)
            return outcome.UNUSABLE


def _follow(
    snapshots: Iterable[client.Snapshot], output: display.Display
) -> int:
    """Show *snapshots* and return the exit status."""
    states = life.Life()
    for snapshot in snapshots:
        output.title(states.update(snapshot))
        output.update(snapshot['stores'])
    return (outcome.FINISHED if snapshot['phase'] == 'done'
            else outcome.FAILED)
