# SPDX-License-Identifier: GPL-2.0-or-later
#
# hotpatch_component(NAME SOURCES … HEADERS … DEPS … PRIVATE_DEPS …)
#
# One static library per folder. DEPS are other components, by their short name: they are the only folders whose headers this one
# may include, and the only libraries it is linked to. PRIVATE_DEPS are outside packages that no header of ours may show.
function(hotpatch_component name)
  cmake_parse_arguments(ARG "" "" "HEADERS;SOURCES;DEPS;PUBLIC_PACKAGES;PRIVATE_DEPS" ${ARGN})
  if(ARG_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "component ${name}: what is ${ARG_UNPARSED_ARGUMENTS}?")
  endif()
  add_library(hotpatch_${name} STATIC ${ARG_SOURCES})
  add_library(hotpatch::${name} ALIAS hotpatch_${name})
  target_sources(hotpatch_${name} PUBLIC
    FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR} FILES ${ARG_HEADERS})
  target_compile_features(hotpatch_${name} PUBLIC cxx_std_20)
  list(TRANSFORM ARG_DEPS PREPEND hotpatch::)
  target_link_libraries(hotpatch_${name}
    PUBLIC ${ARG_DEPS} ${ARG_PUBLIC_PACKAGES}
    PRIVATE ${ARG_PRIVATE_DEPS} $<BUILD_INTERFACE:hotpatch_warnings>)
endfunction()

# hotpatch_program(NAME SOURCES … DEPS …): an executable made of components.
function(hotpatch_program name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS;PRIVATE_DEPS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  list(TRANSFORM ARG_DEPS PREPEND hotpatch::)
  target_link_libraries(${name} PRIVATE ${ARG_DEPS} ${ARG_PRIVATE_DEPS} hotpatch_warnings)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
  install(TARGETS ${name} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endfunction()

# hotpatch_host_program(NAME …): the same for a program that runs on the host. It takes the C++ library along, which halves the time that it
# takes to start, and the host need not have ours; a sanitizer's runtime wants the shared one.
function(hotpatch_host_program name)
  hotpatch_program(${name} ${ARGN})
  if(NOT HOTPATCH_SANITIZE AND NOT HOTPATCH_FUZZ)
    target_link_options(${name} PRIVATE -static-libstdc++ -static-libgcc)
  endif()
endfunction()
