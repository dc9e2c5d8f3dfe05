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

"""A machine for the DevStack plugin: files of real releases, no services.

$GLANCE_PROGRESS_CINDER_NOVA is a virtual environment with Cinder and Nova;
Glance's is the one that the tests run in.
"""

import configparser
import difflib
import os
import pathlib
import shutil
import subprocess
import sys

import fixtures
import testtools

PROJECT = pathlib.Path(__file__).resolve().parent.parent.parent
STAND_IN = PROJECT / 'allinone' / 'openstack' / 'devstack.sh'

GLANCE_ROUTER = 'glance_progress.api:API.factory'
NOVA_ROUTER = 'nova_snapshot_fix.api:APIRouterV21.factory'

RBD = {'rbd_store_pool': 'images', 'rbd_store_user': 'glance'}

#: As devstack-plugin-ceph writes it
SINGLE = {'DEFAULT': {'show_multiple_locations': 'True'},
          'glance_store': {'stores': 'file, http, rbd',
                           'default_store': 'rbd', **RBD}}
MULTI = {'DEFAULT': {'show_multiple_locations': 'True',
                     'enabled_backends': 'robust_rbd:rbd,fast:file'},
         'glance_store': {'default_backend': 'robust_rbd'},
         'robust_rbd': RBD}

NOVA_CONF = """\
[DEFAULT]
my_ip = 127.0.0.1

[keystone_authtoken]
auth_type = password
auth_url = http://127.0.0.1/identity
username = nova
password = a&b%c\\d $$e
user_domain_name = Default
project_name = service
project_domain_name = Default

[libvirt]
images_type = rbd
"""

CINDER_CONF = """\
[DEFAULT]
enabled_backends = lvm,ceph

[lvm]
volume_driver = cinder.volume.drivers.lvm.LVMVolumeDriver

[ceph]
volume_driver = cinder.volume.drivers.rbd.RBDDriver
"""

#: Where Cinder is on the machine as well.
WITH_CINDER = 'g-api,n-api,n-cpu,c-api,c-vol,tempest'

# What pip would do is written down instead. The version in the metadata is
# the one that the test wants.
INTERPRETER = """\
#!/bin/bash
if [[ "$1 $2" == "-m pip" ]]; then
    echo "$*" >>"$(dirname "$0")/pip.log"
    exit
fi
export PYTHONPATH=%s
exec %s "$@"
"""

# It takes longer than all else together.
NO_CHECK = """\
#!/bin/bash
"""


def prefix(project):
    """Return the virtual environment that has a project as released."""
    return pathlib.Path(
        sys.prefix if project == 'glance'
        else os.environ['GLANCE_PROGRESS_CINDER_NOVA'])


def site_packages(prefix):
    found, = prefix.glob('lib/python3*/site-packages')
    return found


def read(path):
    """Return section -> option -> value."""
    parser = configparser.RawConfigParser(
        default_section='', delimiters='=', strict=False,
        allow_no_value=True)
    parser.optionxform = str
    parser.read(path)
    return {name: dict(parser.items(name)) for name in parser.sections()}


class TestCase(testtools.TestCase):

    #: Whether glance-progress-status runs
    check = False

    def setUp(self):
        super().setUp()
        self.directory = pathlib.Path(self.useFixture(
            fixtures.TempDir()).path)
        self.state = self.directory / 'data' / 'glance-progress'
        for name in ('glance', 'nova', 'cinder'):
            (self.directory / name).mkdir()
        self.glance_conf = self.directory / 'glance' / 'glance-api.conf'
        self.glance_paste = (
            self.directory / 'glance' / 'glance-api-paste.ini')
        self.nova_conf = self.directory / 'nova' / 'nova.conf'
        self.nova_paste = self.directory / 'nova' / 'api-paste.ini'
        self.cinder_conf = self.directory / 'cinder' / 'cinder.conf'
        for project, paste in (('glance', self.glance_paste),
                               ('nova', self.nova_paste)):
            shutil.copy(prefix(project) / 'etc' / project / paste.name, paste)
        self.nova_conf.write_text(NOVA_CONF)
        self.cinder_conf.write_text(CINDER_CONF)
        self.environment = {
            'PATH': os.environ['PATH'],
            'GLANCE_PROGRESS_HOME': str(self.directory / 'home'),
            'GLANCE_CONF_DIR': str(self.glance_conf.parent),
            'NOVA_CONF_DIR': str(self.nova_conf.parent),
            'CINDER_CONF_DIR': str(self.cinder_conf.parent),
            'TEMPEST_CONFIG': str(self.directory / 'tempest.conf'),
        }
        self.set_versions('33.0.0', '34.0.0')

    def set_versions(self, glance, nova, cinder='29.0.0'):
        """Make virtual environments with these versions."""
        for project, version in (
                ('glance', glance), ('nova', nova), ('cinder', cinder)):
            venv = self.directory / (project + '-venv')
            metadata = (venv / 'metadata' /
                        ('%s-%s.dist-info' % (project, version)))
            shutil.rmtree(venv, ignore_errors=True)
            metadata.mkdir(parents=True)
            (metadata / 'METADATA').write_text(
                'Metadata-Version: 2.1\nName: %s\nVersion: %s\n'
                % (project, version))
            self.environment[project.upper() + '_VENV'] = str(venv)
            (venv / 'bin').mkdir()
            for name in ('python3', 'glance-progress-status'):
                script = venv / 'bin' / name
                script.write_text(
                    INTERPRETER % (metadata.parent,
                                   pathlib.Path(sys.prefix) / 'bin' / name)
                    if name == 'python3' or self.check else NO_CHECK)
                script.chmod(0o755)

    def write_glance(self, options, **default):
        """Write glance-api.conf; *default* is more for [DEFAULT]."""
        parser = configparser.RawConfigParser(default_section='')
        parser.read_dict(options)
        if default:
            parser.read_dict({'DEFAULT': default})
        with self.glance_conf.open('w') as file:
            parser.write(file)

    def run_plugin(self, action, status=0, **environment):
        """Return what the action says.

        :param status: the exit status that is expected
        """
        done = subprocess.run(
            [STAND_IN, action, self.directory / 'data'], text=True,
            env={**self.environment, **environment}, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT)
        self.assertEqual(status, done.returncode, done.stdout)
        return done.stdout

    def contents(self):
        """Return path -> lines of the services' files."""
        return {str(path): path.read_bytes().splitlines(keepends=True)
                for name in ('glance', 'nova', 'cinder')
                for path in (self.directory / name).iterdir()}

    def assertSame(self, before, after):
        """Show no more than the lines that differ."""
        self.assertEqual(set(before), set(after))
        for path, lines in before.items():
            self.assertEqual([], list(difflib.diff_bytes(
                difflib.unified_diff, lines, after[path])), path)
