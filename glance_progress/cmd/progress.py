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

"""Runs ``glance-progress``, an operator's look at what memcached holds."""

from __future__ import annotations

import argparse
import sys
import time
from typing import Any

from oslo_config import cfg

from glance_progress.cli import arguments
from glance_progress.cli import display
from glance_progress.cli import glance_files
from glance_progress.cli import outcome
from glance_progress.cmd import exporter
from glance_progress.records import memcached
from glance_progress.records import options
from glance_progress.records import reader
from glance_progress.records import store_names
from glance_progress.records import wire
from glance_progress import section

# Seconds for which a record is waited for, as glance_progress.client waits for
# a server.
_PATIENCE = 60.0


def _parser() -> argparse.ArgumentParser:
    parser = arguments.Parser(
        prog='glance-progress',
        description='Show how far image uploads are, as Ceph sees it.',
        epilog='Exit status: 0 finished (show: or in progress), 1 failed, '
               '2 nothing has happened for the time of --timeout (show: '
               'stalled, or no record), 255 could not look.')
    arguments.add_common(parser)
    commands = parser.add_subparsers(
        dest='command', required=True,
        metavar='show|watch|exporter|leftovers',
        parser_class=arguments.Parser)
    show = commands.add_parser('show', help='show an upload once')
    watch = commands.add_parser('watch', help='follow an upload to its end')
    # It has arguments of its own, and needs what only Glance's hosts have.
    commands.add_parser(
        'leftovers', help='find what broken uploads have left behind')
    for command in (show, watch):
        command.add_argument('image_id', metavar='IMAGE_ID')
        command.add_argument(
            '--store', action='append', metavar='STORE',
            help='look for this store, may be repeated; default: all of '
                 'enabled_backends')
        command.add_argument(
            '--json', action='store_true',
            help='print JSON, one object a line and store')
    watch.add_argument(
        '--interval', type=arguments.seconds, default=1.0, metavar='SECONDS',
        help='time between two looks, default 1')
    watch.add_argument(
        '--timeout', type=arguments.seconds, metavar='SECONDS',
        help='give up when nothing has happened for so long; without it, stay '
             'for as long as there is a record')
    exporter.add(commands)
    return parser


def _load(args: argparse.Namespace) -> cfg.ConfigOpts:
    """Return what the files that *args* name, or glance-api's, say.

    :raises cfg.Error: what they say is wrong
    :raises glance_files.Unusable: there are none, or they cannot be read
    """
    conf = cfg.ConfigOpts()
    conf.register_opt(cfg.DictOpt('enabled_backends'))
    section.of(conf, options.OPTS)
    glance_files.load(conf, args.config_file, args.config_dir)
    options.check(conf)
    return conf


def _stores(conf: cfg.ConfigOpts, args: argparse.Namespace) -> list[str]:
    """Return the stores to look for: those that were named, or all."""
    return args.store or store_names.all_of(conf)


class _Watch:
    """Looks at the records of one image, again and again."""

    def __init__(self, conf: cfg.ConfigOpts, args: argparse.Namespace) -> None:
        self._image_id = args.image_id
        self._stores = _stores(conf, args)
        self._stalled_after = conf[section.NAME].stalled_after
        self._client = memcached.from_conf(conf)
        if not self._client.servers:  # a warning has said why
            raise glance_files.Unusable('there is no memcached to look into')
        self._reader = reader.from_conf(conf, self._client)
        self.answered = False

    @property
    def _servers(self) -> str:
        return ', '.join(server.name for server in self._client.servers)

    def look(self) -> list[dict[str, Any]]:
        """Return the image's described records, sorted by store."""
        found = self._reader.read([self._image_id], self._stores)
        self.answered = found is not None
        now = time.time()
        return [record.describe(now, self._stalled_after)
                for _, record in sorted((found or {}).items())]

    def give_up(self, records: list[dict[str, Any]]) -> None:
        """Say why there is no end to be seen.

        :param records: the described records of the last look
        """
        last = outcome.of_last_request(records)
        if not self.answered:
            self._say('No answer from memcached at %s.' % self._servers)
        elif outcome.staged(last):
            self._say('Image %s is staged, and nobody imports it.'
                      % self._image_id)
        elif any(r['state'] == wire.UPLOADING for r in last):
            self._say('The upload of image %s does not move on.'
                      % self._image_id)
        elif records:
            self._say('The last upload of image %s has failed, and no other '
                      'has begun.' % self._image_id)
        else:
            self._say('No record of image %s in store %s at memcached %s.' % (
                self._image_id, ' or '.join(self._stores), self._servers))

    @staticmethod
    def _say(text: str) -> None:
        print(text, file=sys.stderr)


def _show(watch: _Watch, output: display.Display) -> int:
    """Show the records of one look, and return the exit status."""
    records = watch.look()
    if not records:
        watch.give_up(records)
        return outcome.STALLED if watch.answered else outcome.UNUSABLE
    output.update(records)
    return outcome.of(outcome.of_last_request(records))


def _follow(
    watch: _Watch, output: display.Display, interval: float,
    timeout: float | None,
) -> int:
    """Show records until the upload is over, and return the exit status.

    :param interval: seconds between two looks
    :param timeout: seconds in which something has to happen. None leaves it
        all the time as long as there are records. Where there are none, or
        but of what had failed long before, it has _PATIENCE
    """
    waits = _Waits()
    while True:
        records = watch.look()
        output.update(records)
        last = outcome.of_last_request(records)
        waits.look(last)
        if not waits.for_another and outcome.over(last):
            return outcome.of(last)
        if waits.seconds > (_PATIENCE if timeout is None else timeout):
            if timeout is not None and watch.answered:
                watch.give_up(records)
                return outcome.STALLED
            if not last:
                watch.give_up(records)
                return outcome.UNUSABLE
            if waits.for_another:
                watch.give_up(records)
                return outcome.of(last)
        time.sleep(interval)


class _Waits:
    """Knows for how long nothing has happened to what was looked at."""

    def __init__(self) -> None:
        # Sequences of what had failed long before the first look
        self._old: list[int] | None = None
        self._seen: Any = None
        self._since = time.monotonic()
        self.for_another = True

    def look(self, last: list[dict[str, Any]]) -> None:
        """Take note of the described records of the *last* request."""
        attempts = [record['sequence'] for record in last]
        if self._old is None:
            self._old = attempts if outcome.failed_long_ago(last) else []
        #: Whether there is nothing but what had failed long before, or nothing
        self.for_another = attempts == self._old
        moving = [(r['store'], r['sequence'], r['state'], r['updated_at'])
                  for r in last]
        if moving != self._seen:
            self._seen, self._since = moving, time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._since


def main(argv: list[str] | None = None) -> int:
    given = sys.argv[1:] if argv is None else argv
    if given[:1] == ['leftovers']:
        return _leftovers(given[1:])
    return outcome.of_printing(lambda: _main(argv))


def _leftovers(argv: list[str]) -> int:
    try:
        from glance_progress.cmd import leftovers
    except ImportError as exc:
        print('glance-progress leftovers: %s; run this in the virtual '
              'environment of Glance' % exc, file=sys.stderr)
        return outcome.UNUSABLE
    return outcome.of_printing(lambda: leftovers.main(argv))


def _main(argv: list[str] | None) -> int:
    parser = _parser()
    args = parser.parse_args(argv)
    if args.command == 'leftovers':
        parser.error('options go behind the word leftovers')
    if args.command == 'exporter':
        return exporter.run(args)
    try:
        conf = _load(args)
        watch = _Watch(conf, args)
    except (cfg.Error, ValueError) as exc:
        print('glance-progress: %s' % glance_files.describe(exc),
              file=sys.stderr)
        return outcome.UNUSABLE
    output = display.choose(args.json, live=args.command == 'watch')
    try:
        if args.command == 'show':
            return _show(watch, output)
        return _follow(watch, output, args.interval, args.timeout)
    except KeyboardInterrupt:
        return outcome.INTERRUPTED
    finally:
        output.close()


if __name__ == '__main__':
    sys.exit(main())
