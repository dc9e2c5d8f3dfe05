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

  // Most images that Horizon lets one request ask for by id.
  var MOST = 20;

  // Phases in which more is to come, also where the image's status does not
  // say so.
  var MOVING = [
    'upload', 'staging', 'decompressing', 'converting', 'verifying', 'staged',
    'import', 'copy', 'preparing', 'flattening', 'registering', 'hashing'
  ];

  angular
    .module('horizon.dashboard.image-progress')
    .factory('horizon.dashboard.image-progress.store', store);

  store.$inject = [
    '$q',
    'horizon.dashboard.image-progress.api'
  ];

  /**
   * @ngdoc factory
   * @name horizon.dashboard.image-progress.store
   * @description
   * Knows the progress of the page's images, as of the last look.
   */
  function store($q, api) {
    var available = true;
    var known = {};
    // Images that were in transit and no longer are: how it ended is asked.
    var gone = [];
    var looked = false;

    return {
      get: get,
      isAvailable: isAvailable,
      isMoving: isMoving,
      moving: moving,
      look: look
    };

    /**
     * @returns {boolean} false once the cloud is known not to have progress
     */
    function isAvailable() {
      return available;
    }

    /**
     * @returns {Object} what the Image API says of an image, if anything
     */
    function get(id) {
      return known[id];
    }

    /**
     * @returns {boolean} whether more is to come of an image's data
     */
    function isMoving(id) {
      return known.hasOwnProperty(id) &&
        MOVING.indexOf(known[id].phase) > -1;
    }

    /**
     * @returns {Array} the ids of all such images
     */
    function moving() {
      return Object.keys(known).filter(isMoving);
    }

    /**
     * Looks anew, with one request, or none where the cloud has none.
     *
     * @param {Array} ids - images that are not listed as in transit
     * @returns {promise} of a boolean, whether anything was told
     */
    function look(ids) {
      if (!available) {
        return $q.when(false);
      }
      var asked = gone.concat(ids).slice(0, MOST);
      return api.getProgress(asked, !looked).then(note);

      function note(answer) {
        available = answer.available;
        if (!answer.items) {
          return false;
        }
        looked = true;
        gone = gone.slice(asked.length);
        update(answer.items, asked);
        return available;
      }
    }

    function update(items, asked) {
      var told = {};
      angular.forEach(items, function(item) {
        known[item.image_id] = item;
        told[item.image_id] = true;
      });
      angular.forEach(asked, function(id) {
        if (!told[id]) {
          delete known[id];
        }
      });
      angular.forEach(moving(), function(id) {
        if (!told[id] && gone.indexOf(id) < 0) {
          gone.push(id);
        }
      });
    }
  }

})();
