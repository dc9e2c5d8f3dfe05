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

"""The arguments of ``glance-progress-status``."""

from __future__ import annotations

import argparse

from glance_progress.cli import arguments


def parser() -> argparse.ArgumentParser:
    """Return a parser that takes options before and after ``check``."""
    made = arguments.Parser(
        prog='glance-progress-status',
        description='Check before a restart whether glance-api will start, '
                    'and whether progress will work.',
        epilog='Exit status: 0 nothing found, 1 warnings, 2 failures, 255 '
               'could not check.')
    made.add_argument('command', choices=['check'], metavar='check')
    arguments.add_common(made)
    for project in ('nova', 'cinder'):
        made.add_argument(
            '--%s-conf' % project, action='append', metavar='FILE',
            default=[], help='a file that %s reads, and what is in FILE.d, '
            'may be repeated' % project.capitalize())
        made.add_argument(
            '--%s-conf-dir' % project, action='append', metavar='DIR',
            default=[], help='a directory of *.conf files that %s reads, may '
            'be repeated' % project.capitalize())
        made.add_argument(
            '--%s-release' % project, metavar='RELEASE',
            help='version or release, as 34 or 2026.2; not known by default')
    made.add_argument(
        '--uwsgi-conf', metavar='FILE',
        help='the ini file of the uwsgi that runs glance-api; without it, '
             'threads and chunked bodies are not checked')
    made.add_argument(
        '--uploads', type=int, default=4, metavar='NUMBER',
        help='uploads that this host is to take at once, default 4')
    made.add_argument(
        '--offline', action='store_true',
        help='read files alone: talk to neither memcached nor Ceph nor '
             'glance-api')
    made.add_argument('--json', action='store_true', help='print JSON')
    return made
