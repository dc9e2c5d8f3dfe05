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

"""``glance-progress exporter``: metrics for Prometheus."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import threading
from typing import Any

from glance_progress.cli import arguments
from glance_progress.cli import outcome
from glance_progress.cli import textfile

#: Where it listens: the port of glance-api, and 10000. Those that Prometheus'
#: exporters have among themselves are all taken.
ADDRESS = '127.0.0.1:19292'

# More would be what Prometheus has trouble with.
_MOST_IMAGES = 1000


def add(commands: Any) -> None:
    """Add the command to those of a parser."""
    parser = commands.add_parser(
        'exporter', help='serve metrics for Prometheus',
        description='Serves metrics of uploads for Prometheus. It asks the '
                    'Image API, and reads no file of glance-api.')
    parser.add_argument(
        '--os-cloud', metavar='NAME',
        help='the account to ask with, of clouds.yaml; default: what OS_CLOUD '
             'names, or what OS_AUTH_URL and so on say')
    parser.add_argument(
        '--os-region-name', metavar='NAME',
        help='the region to ask in; default: that of the cloud')
    parser.add_argument(
        '--web.listen-address', dest='listen', type=_address,
        metavar='ADDRESS:PORT', default=_address(ADDRESS),
        help='where to listen, default ' + ADDRESS)
    parser.add_argument(
        '--web.config.file', dest='web_config_file', metavar='FILE',
        help="TLS and passwords, in the format of Prometheus' exporters")
    parser.add_argument(
        '--textfile', type=textfile.path, metavar='FILE',
        help='write FILE.prom for node_exporter, and do not listen')
    parser.add_argument(
        '--interval', type=arguments.seconds, default=10.0, metavar='SECONDS',
        help='time between two questions to the Image API, default 10')
    parser.add_argument(
        '--per-image', type=_images, default=0, metavar='N',
        help='metrics of single images as well, of the N oldest uploads')


def run(args: argparse.Namespace) -> int:
    """Serve, or write, until a signal comes, and return the exit status."""
    try:
        from glance_progress.metrics import serving
    except ImportError as exc:
        return _unusable("%s; install it with: pip install "
                         "'glance-progress[exporter]'" % exc)
    logging.basicConfig(
        level=logging.WARNING, format='%(asctime)s %(levelname)s %(message)s')
    logging.getLogger('glance_progress').setLevel(logging.INFO)
    ended = threading.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda *_: ended.set())
    try:
        exporter = serving.Exporter(
            args.os_cloud, args.os_region_name, args.interval, args.per_image)
        if args.textfile is None:
            exporter.serve(ended, args.listen, args.web_config_file)
        else:
            exporter.write(ended, args.textfile)
    except ValueError as exc:
        return _unusable(str(exc))
    return outcome.FINISHED


def _unusable(text: str) -> int:
    print('glance-progress exporter: ' + text, file=sys.stderr)
    return outcome.UNUSABLE


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(':')
    if not port.isdecimal() or int(port) > 65535:
        raise argparse.ArgumentTypeError('%s is no ADDRESS:PORT' % text)
    # As others take it, nothing before the colon stands for all addresses.
    return host.strip('[]') or '::', int(port)


def _images(text: str) -> int:
    value = int(text)
    if not 0 <= value <= _MOST_IMAGES:
        raise argparse.ArgumentTypeError('%s is not in 0 to %d' % (
            text, _MOST_IMAGES))
    return value
