# SPDX-License-Identifier: GPL-2.0-or-later
#
# Warnings are on for our code alone; they are errors where HOTPATCH_WERROR is set (the presets that CI uses), so that a newer
# compiler never breaks a user's build.
option(HOTPATCH_WERROR "Treat warnings as errors" OFF)
add_library(hotpatch_warnings INTERFACE)
target_compile_options(hotpatch_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wnon-virtual-dtor -Woverloaded-virtual
  -Wcast-align -Wformat=2 -Wimplicit-fallthrough -Wundef
  # -Wrestrict is wrong about "literal" + std::string in optimised builds with GCC 12 (its bug 105651).
  $<$<CXX_COMPILER_ID:GNU>:-Wduplicated-cond -Wlogical-op -Wno-restrict>
  $<$<BOOL:${HOTPATCH_WERROR}>:-Werror>)

# Hardening: the programs run as root on machines that must not go down.
add_compile_options(-fstack-protector-strong $<$<NOT:$<CONFIG:Debug>>:-D_FORTIFY_SOURCE=2> -D_GLIBCXX_ASSERTIONS)
add_link_options(-Wl,-z,relro,-z,now)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
add_compile_options(-ffunction-sections -fdata-sections)
add_link_options(-Wl,--gc-sections)
