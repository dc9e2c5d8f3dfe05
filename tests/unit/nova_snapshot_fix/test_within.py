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


import functools

import testtools

from nova_snapshot_fix import within


def allowed(what):
    def outer(function):
        @functools.wraps(function)
        def inner(self, *args, default=None, **kwargs):
            if what not in self:
                raise PermissionError(what)
            return function(self, *args, **kwargs)
        return inner
    return outer


def plain(function):
    @functools.wraps(function)
    def inner(*args, **kwargs):
        return function(*args, **kwargs)
    return inner


@plain
@allowed('first')
@allowed('second')
def stock(self, number):
    """Say what it does."""
    return number + 1


class TestPut(testtools.TestCase):

    def setUp(self):
        super().setUp()
        self.calls = []

        def inside(self_, number):
            self.calls.append(number)
            return stock(self_, number) * 10

        self.made = within.put(stock, inside)

    def test_inside_of_all(self):
        self.assertEqual(20, self.made({'first', 'second'}, 1))
        for which in 'first', 'second':
            self.assertRaises(PermissionError, self.made, {which}, 1)
        self.assertEqual([1], self.calls)

    def test_stock_stays(self):
        self.assertEqual(2, stock({'first', 'second'}, 1))
        self.assertEqual([], self.calls)
        self.assertEqual(('stock', 'Say what it does.'),
                         (self.made.__name__, self.made.__doc__))

    def test_of_another_make(self):
        """Inside of what can be looked into, and around the rest."""
        class Decorator:
            def __init__(self, function):
                functools.update_wrapper(self, function)
                self.function = function

            def __call__(self, *args):
                return self.function(*args)

        made = within.put(
            plain(Decorator(stock)), lambda self, number: 'ours')
        self.assertEqual('ours', made(set(), 1))
