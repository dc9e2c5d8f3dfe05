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


"""What Nova 20 (Train) and its libraries miss on Python 3.11.

tools/run-tests.sh puts it into the environment of the tests, with a .pth file
that imports it at each start of the interpreter.
"""

import collections
import collections.abc
import inspect
import sys
import types

# Gone since Python 3.10: the classes of collections.abc in collections.
for _name in collections.abc.__all__:
    if not hasattr(collections, _name):
        setattr(collections, _name, getattr(collections.abc, _name))

_ArgSpec = collections.namedtuple(
    'ArgSpec', 'args varargs keywords defaults')


def _getargspec(function):
    return _ArgSpec(*inspect.getfullargspec(function)[:4])


# Gone since Python 3.11.
if not hasattr(inspect, 'getargspec'):
    inspect.getargspec = _getargspec


class _Monotonic(types.ModuleType):
    """Stands in for the package of that name.

    nova/service.py refuses to start unless eventlet's clock is the one of this
    package, but eventlet has long turned to that of Python's time module.
    """

    @property
    def monotonic(self):
        from eventlet import hubs
        return hubs.get_hub().clock


sys.modules['monotonic'] = _Monotonic('monotonic')
