# SPDX-License-Identifier: GPL-2.0-or-later
#
# A compiler cache, where there is one and nobody chose another launcher. The base directory makes two checkouts share it.
find_program(HOTPATCH_CCACHE ccache)
if(HOTPATCH_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_C_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${HOTPATCH_CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_C_COMPILER_LAUNCHER})
endif()
