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
    .directive('imageProgressStatus', directive);

  directive.$inject = [
    'horizon.dashboard.image-progress.basePath',
    'horizon.dashboard.image-progress.bars',
    'horizon.dashboard.image-progress.store',
    'horizon.dashboard.image-progress.table'
  ];

  /**
   * @ngdoc directive
   * @name imageProgressStatus
   * @param {Object} item - an image of Horizon's table
   * @param {Object} column - that of its status
   * @description
   * The status of an image as Horizon shows it, and how far its data are.
   * While that is not known there is Horizon's own bar, which only says that
   * something goes on.
   */
  function directive(basePath, bars, store, table) {
    return {
      restrict: 'E',
      scope: {item: '=', column: '='},
      templateUrl: basePath + 'status.html',
      link: link
    };

    function link(scope) {
      scope.progress = function() {
        return store.get(scope.item.id);
      };
      scope.waits = function() {
        return table.isInTransition(scope.item) &&
          !bars(scope.progress()).length;
      };
    }
  }

})();
