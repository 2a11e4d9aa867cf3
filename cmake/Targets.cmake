# keytrail_library(NAME [NEEDS_IO] SOURCES … [DEPENDS …] [PRIVATE_DEPENDS …])
#   a library named keytrail_NAME with the alias keytrail::NAME. DEPENDS are Keytrail's own libraries
#   (public); PRIVATE_DEPENDS are third-party ones, whose headers stay in .cc files.
#   NEEDS_IO leaves it out of KEYTRAIL_PURE_ONLY builds.
# keytrail_test(NAME [NEEDS_IO] [ALONE] [LABELS …] SOURCES … DEPENDS …)   a GoogleTest program, one ctest
#   case each. ALONE: whole installations, with nothing else beside them.
# keytrail_capnp(NAME FILE.capnp …)   adds the code generated from FILE to keytrail_NAME, which alone sees it,
#   as "folder/FILE.capnp.h"; Cap'n Proto stays private.
# keytrail_fuzzer(NAME SOURCES … DEPENDS …)   a libFuzzer program with its corpus in tests/fuzz/corpus/NAME.
include(GoogleTest)

add_library(keytrail_flags INTERFACE)
target_include_directories(keytrail_flags INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_definitions(keytrail_flags INTERFACE KEYTRAIL_VERSION="${PROJECT_VERSION}")
target_compile_options(keytrail_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor
  -Wno-missing-field-initializers  # Designated initialisers name what matters; the rest has defaults.
  $<$<CXX_COMPILER_ID:Clang>:-Wthread-safety>)
# Bound at once, not at the first call: the resolver saves vector registers on the stack, and a
# cipher's last key may be in them.
target_link_options(keytrail_flags INTERFACE -Wl,-z,relro,-z,now)

function(keytrail_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "NEEDS_IO" "" "SOURCES;DEPENDS;PRIVATE_DEPENDS")
  if(arg_NEEDS_IO AND KEYTRAIL_PURE_ONLY)
    return()
  endif()
  add_library(keytrail_${name} STATIC ${arg_SOURCES})
  add_library(keytrail::${name} ALIAS keytrail_${name})
  target_link_libraries(keytrail_${name}
    PUBLIC keytrail_flags ${arg_DEPENDS} PRIVATE ${arg_PRIVATE_DEPENDS})
endfunction()

function(keytrail_capnp name)
  if(NOT TARGET keytrail_${name})
    return()
  endif()
  set(CAPNPC_SRC_PREFIX ${PROJECT_SOURCE_DIR})
  set(CAPNPC_OUTPUT_DIR ${PROJECT_BINARY_DIR}/generated)
  file(MAKE_DIRECTORY ${CAPNPC_OUTPUT_DIR})
  capnp_generate_cpp(sources headers ${ARGN})
  set_source_files_properties(${sources} PROPERTIES COMPILE_OPTIONS -w)
  target_sources(keytrail_${name} PRIVATE ${sources} ${headers})
  target_include_directories(keytrail_${name} SYSTEM PRIVATE ${CAPNPC_OUTPUT_DIR})
  target_link_libraries(keytrail_${name} PRIVATE CapnProto::capnp)
endfunction()

function(keytrail_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "NEEDS_IO;ALONE" "" "SOURCES;DEPENDS;LABELS")
  if((arg_NEEDS_IO AND KEYTRAIL_PURE_ONLY) OR KEYTRAIL_FUZZ)
    return()
  endif()
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE keytrail_flags ${arg_DEPENDS} GTest::gmock_main)
  if(CMAKE_BUILD_TYPE STREQUAL "Release")
    target_compile_options(${name} PRIVATE -O0)  # Half the compile time; what is hot is in the libraries.
  endif()
  target_compile_definitions(${name} PRIVATE
    KEYTRAIL_SOURCE_DIR="${PROJECT_SOURCE_DIR}" KEYTRAIL_BINARY_DIR="${PROJECT_BINARY_DIR}")
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST
    PROPERTIES TIMEOUT 300 RUN_SERIAL ${arg_ALONE} LABELS "${arg_LABELS}")
endfunction()

function(keytrail_fuzzer name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;DEPENDS")
  if(NOT KEYTRAIL_FUZZ)
    return()
  endif()
  add_executable(${name} ${arg_SOURCES})
  if(NOT TARGET fuzzers)
    add_custom_target(fuzzers)  # All of them, without what they do not need.
  endif()
  add_dependencies(fuzzers ${name})
  target_link_libraries(${name} PRIVATE keytrail_flags ${arg_DEPENDS})
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  add_test(NAME fuzz/${name} COMMAND ${name}
    -max_total_time=20 -rss_limit_mb=1024 -timeout=5 -artifact_prefix=${CMAKE_CURRENT_BINARY_DIR}/
    ${CMAKE_CURRENT_BINARY_DIR}/corpus-${name} ${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${name})
  file(MAKE_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/corpus-${name}
                      ${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${name})
  set_tests_properties(fuzz/${name} PROPERTIES TIMEOUT 120 LABELS fuzz)
endfunction()

# Adds every subfolder that has a CMakeLists.txt, in alphabetical order (order does not matter to CMake).
macro(keytrail_add_folders)
  file(GLOB folders LIST_DIRECTORIES true RELATIVE ${CMAKE_CURRENT_SOURCE_DIR} *)
  foreach(folder ${folders})
    if(EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/${folder}/CMakeLists.txt)
      add_subdirectory(${folder})
    endif()
  endforeach()
endmacro()
