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

"""Runs ``openstack image progress upload``."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from collections.abc import Sequence
import contextlib
import logging
import signal
from typing import Any

from keystoneauth1 import exceptions
from openstack import exceptions as sdk_exceptions
from osc_lib.cli import parseractions
from osc_lib.command import command

from glance_progress.cli import display
from glance_progress.cli import outcome
from glance_progress.osc import columns
from glance_progress.osc import service
from glance_progress.osc import upload_picture
from glance_progress.upload import comparison
from glance_progress.upload import paths
from glance_progress.upload import pool
from glance_progress.upload import run
from glance_progress.upload import tasks
from glance_progress.upload import wanted

LOG = logging.getLogger(__name__)

_COLUMNS = ('Name', 'ID', 'Status', 'Size', 'Result', 'Verified', 'By',
            'Saved', 'Zeros', 'Reason')
_PLANNED = ('Name', 'Action', 'Disk Format', 'Size', 'File', 'Reason')

_VISIBILITIES = ('public', 'private', 'community', 'shared')


class UploadImages(command.Lister):
    """Upload images from files, folders and lists, and see that they are there

    What is there already, by name and hash, is skipped. The exit status is 0
    when every image is active and its hash is that of its data, 1 when one is
    not there, 3 when all are active and the hash of one could not be compared,
    and 255 when the command could not begin.
    """

    app: Any
    _process: run.Run | None = None

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            'paths', metavar='<path>', nargs='+',
            help='An image, a folder of images, or a list of images in YAML')
        parser.add_argument(
            '--dry-run', action='store_true',
            help='Say what would be done with each image, and why')
        parser.add_argument(
            '--update-existing', action='store_true',
            help='Where an image of that name has other data, upload the new '
                 'one and then add its date to the name of the old one')
        parser.add_argument(
            '--workers', type=int, metavar='<number>',
            action=parseractions.NonNegativeAction,
            default=pool.default_workers(),
            help='Images to send at once (default on this machine: '
                 '%(default)s)')
        _add_import(parser)
        _add_properties(parser)
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], Iterable[Any]]:
        self._status = outcome.FAILED
        found = paths.find(parsed_args.paths)
        for line in found.ignored:
            LOG.warning('Ignored: %s', display.printable(line))
        process = self._process = run.Run(
            service.session(self.app), found.items, self._wishes(parsed_args))
        if parsed_args.dry_run:
            return _PLANNED, self._plan(process)
        slots = max(1, parsed_args.workers)
        picture = upload_picture.choose(process.tasks, slots)
        with contextlib.closing(picture), _told_to_end():
            process.upload(slots, lambda: picture.update(
                process.follower.blind))
        self._status = status(process.tasks)
        return _COLUMNS, [_row(task) for task in process.tasks]

    def _plan(self, process: run.Run) -> list[tuple[Any, ...]]:
        plans = process.plan()
        self._status = (
            outcome.FINISHED if all(
                isinstance(plan, comparison.Verdict)
                and plan.action != comparison.REFUSE for plan in plans)
            else outcome.FAILED)
        return [_planned(task, plan)
                for task, plan in zip(process.tasks, plans)]

    def _wishes(self, parsed_args: argparse.Namespace) -> wanted.Wishes:
        return wanted.Wishes(
            owner=self._owner(parsed_args), use_import=parsed_args.use_import,
            all_stores=parsed_args.all_stores,
            update_existing=parsed_args.update_existing,
            stores=tuple(parsed_args.store or ()),
            visibility=parsed_args.visibility,
            protected=parsed_args.protected,
            properties=tuple((parsed_args.property or {}).items()),
            tags=tuple(parsed_args.tag or ()))

    def _owner(self, parsed_args: argparse.Namespace) -> str | None:
        """Return the id of the project that is to have the images."""
        manager = self.app.client_manager
        if not parsed_args.project:
            return manager.image.get_project_id()
        identity = manager.sdk_connection.identity
        query = {}
        try:
            if parsed_args.project_domain:
                query['domain_id'] = identity.find_domain(
                    parsed_args.project_domain, ignore_missing=False).id
            return str(identity.find_project(
                parsed_args.project, ignore_missing=False, **query).id)
        except sdk_exceptions.ForbiddenException:
            # Who may not look can name the own project, or an id.
            own = manager.auth_ref
            if (own is not None and own.project_name == parsed_args.project
                    and parsed_args.project_domain in (
                        None, own.project_domain_id,
                        own.project_domain_name)):
                return str(own.project_id)
            return str(parsed_args.project)

    def run(self, parsed_args: argparse.Namespace) -> int:
        if parsed_args.all_stores and not parsed_args.use_import:
            LOG.error('--all-stores needs --import')
            return outcome.UNUSABLE
        try:
            super().run(parsed_args)
        except KeyboardInterrupt:
            LOG.error(
                'Interrupted; what was not complete has been deleted'
                if self._process is None or self._process.clean else
                'Interrupted; what was not complete is left for the next run '
                'to delete')
            return outcome.INTERRUPTED
        except (exceptions.ClientException,
                sdk_exceptions.SDKException) as exc:
            LOG.error('%s', exc)
            return outcome.UNUSABLE
        return self._status


def _add_import(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '--import', dest='use_import', action='store_true',
        help='Have the cloud import the images, which may convert them; it '
             'fetches what is at a URL itself')
    parser.add_argument(
        '--store', metavar='<store>', action='append',
        help='Store to upload to; with --import it may be repeated')
    parser.add_argument(
        '--all-stores', action='store_true',
        help='With --import, have them in all stores')


def _add_properties(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '--property', metavar='<key=value>',
        action=parseractions.KeyValueAction,
        help='Set a property on each image (may be repeated)')
    parser.add_argument(
        '--tag', metavar='<tag>', action='append',
        help='Set a tag on each image (may be repeated)')
    visibility = parser.add_mutually_exclusive_group()
    visibility.add_argument(
        '--visibility', choices=_VISIBILITIES, help='Who may see the images')
    for each in _VISIBILITIES:
        visibility.add_argument(
            '--' + each, dest='visibility', action='store_const', const=each,
            help='The same as --visibility ' + each)
    parser.add_argument(
        '--protected', action='store_true',
        help='Keep the images from being deleted, once they are complete')
    parser.add_argument(
        '--project', metavar='<project>',
        help='Project that is to have the images (name or ID)')
    parser.add_argument(
        '--project-domain', metavar='<project-domain>',
        help='Domain of that project (name or ID)')


@contextlib.contextmanager
def _told_to_end() -> Any:
    """Take a request to end as Ctrl-C, so that nothing is left behind."""
    def interrupt(number: int, frame: Any) -> None:
        raise KeyboardInterrupt

    # What nohup has had ignored stays so.
    before = {each: signal.signal(each, interrupt)
              for each in (signal.SIGTERM, signal.SIGHUP)
              if signal.getsignal(each) != signal.SIG_IGN}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def status(ended: Iterable[tasks.Task]) -> int:
    """Return the exit status that the ends of tasks amount to."""
    found = list(ended)
    if not all(task.state in tasks.GOOD for task in found):
        return outcome.FAILED
    if not all(task.verified for task in found):
        return outcome.UNVERIFIED
    return outcome.FINISHED


def _row(task: tasks.Task) -> tuple[Any, ...]:
    zeros = None if task.body is None else task.body.zeros.bytes
    return (columns.Name(task.item.name), columns.Text(task.image_id),
            columns.Text(task.status), columns.Size(task.item.size),
            task.state, columns.YesNo(task.verified),
            columns.Text(task.verified_by or None), columns.Size(task.saved),
            columns.Size(zeros), columns.Name(task.reason))


def _planned(
    task: tasks.Task, plan: comparison.Verdict | str
) -> tuple[Any, ...]:
    source = task.item.source
    action, why = ((plan.action, plan.why)
                   if isinstance(plan, comparison.Verdict)
                   else (comparison.REFUSE, plan))
    return (columns.Name(task.item.name), action, task.item.disk_format,
            columns.Size(task.item.size),
            columns.Text(None if source is None else source.label),
            columns.Name(why))
