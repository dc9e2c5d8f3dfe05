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

  angular
    .module('horizon.dashboard.image-progress')
    .factory('horizon.dashboard.image-progress.api', api);

  api.$inject = ['horizon.framework.util.http.service'];

  /**
   * @ngdoc factory
   * @name horizon.dashboard.image-progress.api
   * @description
   * Asks Horizon, which asks the Image API. What goes wrong is said nowhere:
   * who looks at a table of images has asked for nothing but the images.
   */
  function api(http) {
    return {
      getProgress: getProgress,
      getFailures: getFailures
    };

    /**
     * @param {Array} ids - images to be told of that are not in transit
     * @param {boolean} failed - whether to be told of all that have failed
     * @returns {promise} of `available`, whether the cloud has this at all,
     * and of `items`, null when nobody can tell
     */
    function getProgress(ids, failed) {
      var params = {};
      if (ids.length) {
        params.ids = ids.join(',');
      }
      if (failed) {
        params.failed = true;
      }
      return http.get('/api/image-progress/images/', {params: params})
        .then(data, unknown);
    }

    /**
     * @returns {promise} of `items`, failures of the project
     */
    function getFailures() {
      return http.get('/api/image-progress/failures/').then(data, unknown);
    }

    function data(response) {
      return response.data;
    }

    function unknown() {
      return {available: true, items: null};
    }
  }

})();
