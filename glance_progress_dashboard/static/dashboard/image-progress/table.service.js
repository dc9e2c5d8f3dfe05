/**
 * Licensed under the Apache License, Version 2.0 (the "License"); you may
 * not use this file except in compliance with the License. You may obtain
 * a copy of the License at
 *
 *    http://www.apache.org/licenses/LICENSE-2.0
 *
 * Unless required by applicable law or agreed to in writing, software
 * distributed under the License is distributed on an "AS IS" BASIS, WITHOUT
 * WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the
 * License for the specific language governing permissions and limitations
 * under the License.
 */

(function() {
  'use strict';

  // Milliseconds after which a table's images are listed anew, whatever is
  // said of their progress.
  var MOST_AGE = 30000;

  // Milliseconds by which a timer may be early.
  var EARLY = 50;

  angular
    .module('horizon.dashboard.image-progress')
    .factory('horizon.dashboard.image-progress.table', table);

  table.$inject = [
    '$q',
    '$rootScope',
    'horizon.app.core.images.service',
    'horizon.app.core.openstack-service-api.settings',
    'horizon.dashboard.image-progress.store'
  ];

  /**
   * @ngdoc factory
   * @name horizon.dashboard.image-progress.table
   * @description
   * What Horizon's registry calls for a table of images. Horizon lists all of
   * them again and again while one of them is in transit. Here such a call is
   * one request: for the progress alone, or for the images alone where their
   * progress has said that they have changed.
   *
   * A table that has been listed twice at once, as the administrator's is, or
   * after an image was created, has two timers from then on. They share one
   * request.
   */
  function table($q, $rootScope, images, settings, store) {
    var interval = 2500;
    var shown = null;

    // Another page has a table of its own, after who knows what.
    $rootScope.$on('$routeChangeStart', function() {
      shown = null;
    });

    return {
      list: list,
      isInTransition: isInTransition
    };

    /**
     * @param {Object} params - filters, as those of Horizon's own function
     * @returns {promise} of a response whose data have the items
     */
    function list(params) {
      var key = angular.toJson(params || {});
      var before = shown;
      if (!before) {
        // Not before: on the page to log in, Horizon answers nothing.
        settings.getSetting('AJAX_POLL_INTERVAL').then(keepInterval);
        // The table does not wait for it: bars come when they come.
        store.look([]).then(function() { keepStrangers(shown); });
      }
      if (before && before.key === key && isTimed(before)) {
        if (Date.now() < before.due) {
          return $q.when(before.response);
        }
        if (!before.changed && Date.now() < before.at + MOST_AGE) {
          return look(before);
        }
      }
      shown = {key: key};
      return images.getImagesPromise(params).then(function(response) {
        shown = {
          key: key, response: response, at: Date.now(), due: nextDue()
        };
        keepStrangers(shown);
        return response;
      });
    }

    /**
     * Who creates an image, or searches, calls list() as the table's timers
     * do. Only timers do it outside of Angular, and only for them the progress
     * of what the table has is enough.
     */
    function isTimed(shown) {
      return !$rootScope.$$phase && store.isAvailable() &&
        Boolean(shown.response);
    }

    function look(before) {
      before.due = nextDue();
      return store.look(queued(before)).then(function(told) {
        before.due = nextDue();
        before.changed = !told || hasChanged(before);
        // Who has searched meanwhile is not to see what was there before.
        return shown && shown.response || before.response;
      });
    }

    function nextDue() {
      return Date.now() + interval - EARLY;
    }

    function keepInterval(setting) {
      interval = setting;
    }

    /**
     * Those of which no list of what is in transit tells: nothing has begun,
     * it has failed, or Ceph alone works on it.
     */
    function queued(shown) {
      return shown.response.data.items
        .filter(function(item) { return item.status === 'queued'; })
        .map(function(item) { return item.id; });
    }

    /**
     * @returns {boolean} whether images are no longer as the table has them
     */
    function hasChanged(shown) {
      return shown.response.data.items.some(isStale) ||
        strangers(shown).some(function(id) {
          return shown.strangers.indexOf(id) < 0;
        });
    }

    function isStale(item) {
      var progress = store.get(item.id);
      return progress ? progress.status !== item.status
        : item.status !== 'queued' && isInTransition(item);
    }

    /**
     * Images that move and are not in the table, for its filter or because
     * they are new.
     */
    function strangers(shown) {
      var ids = shown.response.data.items.map(function(item) {
        return item.id;
      });
      return store.moving().filter(function(id) {
        return ids.indexOf(id) < 0;
      });
    }

    function keepStrangers(shown) {
      if (shown && shown.response) {
        shown.strangers = strangers(shown);
      }
    }

    /**
     * @returns {boolean} whether an image shall be looked at again
     */
    function isInTransition(item) {
      return images.isInTransition(item) || Boolean(item) && (
        item.status === 'uploading' || item.status === 'importing' ||
        store.isMoving(item.id));
    }
  }

})();
