# SPDX-License-Identifier: GPL-2.0-or-later
#
# The outside packages, each found once. Every one is a Debian 12 package; scripts/setup installs them.
include(CheckPIESupported)
check_pie_supported()

find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(LIBELF REQUIRED IMPORTED_TARGET libelf)
pkg_check_modules(LZMA REQUIRED IMPORTED_TARGET liblzma)
pkg_check_modules(XENCALL REQUIRED IMPORTED_TARGET xencall xentoollog)
# Digests come out of OpenSSL's static library; what verifies signatures loads the shared one when it is first needed.
find_package(OpenSSL 3.0 REQUIRED COMPONENTS Crypto)
find_library(HOTPATCH_LIBCRYPTO_STATIC NAMES libcrypto.a REQUIRED)
add_library(hotpatch_digests INTERFACE)
target_include_directories(hotpatch_digests SYSTEM INTERFACE ${OPENSSL_INCLUDE_DIR})
target_link_libraries(hotpatch_digests INTERFACE ${HOTPATCH_LIBCRYPTO_STATIC})
find_package(tl-expected REQUIRED)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(CLI11 REQUIRED)
find_package(doctest REQUIRED)
find_package(benchmark REQUIRED)

# LLVM's headers are not warning-clean and its package turns RTTI and exceptions off for itself; it is linked statically, so that a
# program of ours carries only the few objects that it uses.
find_package(LLVM 19.1 REQUIRED CONFIG)
add_library(hotpatch_llvm INTERFACE)
target_include_directories(hotpatch_llvm SYSTEM INTERFACE ${LLVM_INCLUDE_DIRS})
target_compile_definitions(hotpatch_llvm INTERFACE ${LLVM_DEFINITIONS_LIST})
function(hotpatch_llvm_library name)
  llvm_map_components_to_libnames(libraries ${ARGN})
  add_library(${name} INTERFACE)
  target_link_libraries(${name} INTERFACE hotpatch_llvm ${libraries})
endfunction()
hotpatch_llvm_library(hotpatch_llvm_object object)
hotpatch_llvm_library(hotpatch_llvm_dwarf debuginfodwarf object)
hotpatch_llvm_library(hotpatch_llvm_mc x86disassembler x86desc x86info mc mcdisassembler)

# The C front end, for the rules that need the syntax tree: a shared library, which one program alone loads.
find_library(HOTPATCH_CLANG_CPP NAMES clang-cpp libclang-cpp.so.19.1 PATHS ${LLVM_LIBRARY_DIR} NO_DEFAULT_PATH REQUIRED)
find_library(HOTPATCH_LLVM_SHARED NAMES LLVM-19 LLVM PATHS ${LLVM_LIBRARY_DIR} NO_DEFAULT_PATH REQUIRED)
set(HOTPATCH_CLANG_RESOURCES "${LLVM_LIBRARY_DIR}/clang/${LLVM_VERSION_MAJOR}")
add_library(hotpatch_clang INTERFACE)
target_link_libraries(hotpatch_clang INTERFACE hotpatch_llvm ${HOTPATCH_CLANG_CPP} ${HOTPATCH_LLVM_SHARED})
