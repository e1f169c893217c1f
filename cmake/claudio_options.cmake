# How our own code is compiled; nothing of it reaches the code of users.

if(PROJECT_IS_TOP_LEVEL)
  if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
    set(CMAKE_BUILD_TYPE Release CACHE STRING "Build type" FORCE)
  endif()
  set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
endif()

# On in our presets; packagers and projects that have claudio as a subdirectory decide for themselves.
option(CLAUDIO_CCACHE "Compile through ccache, which finds in it what another clone has compiled" OFF)
option(CLAUDIO_WERROR "Treat warnings as errors" OFF)
set(CLAUDIO_UNITY_BATCH 0 CACHE STRING "Files compiled at a time, as one; 0: each by itself")

if(CLAUDIO_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  find_program(CLAUDIO_CCACHE_PROGRAM ccache)
  if(CLAUDIO_CCACHE_PROGRAM)
    # Paths below the source folder count as relative ones, so that two clones compile the same.
    set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1
      ${CLAUDIO_CCACHE_PROGRAM})
  endif()
endif()

function(claudio_compile_options target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wconversion -Wshadow)
  string(TOUPPER "${CMAKE_BUILD_TYPE}" configuration)
  if(CLAUDIO_CCACHE AND "${CMAKE_CXX_FLAGS} ${CMAKE_CXX_FLAGS_${configuration}}" MATCHES "-g")
    # Debug information names files from the source folder on, wherever that is.
    target_compile_options(${target} PRIVATE -ffile-prefix-map=${PROJECT_SOURCE_DIR}=.)
  endif()
  if(CLAUDIO_UNITY_BATCH GREATER 0)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE ${CLAUDIO_UNITY_BATCH})
    if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
      # What a file keeps to itself counts as shared where another includes it.
      target_compile_options(${target} PRIVATE -Wno-subobject-linkage)
    endif()
  endif()
  if(CLAUDIO_WERROR AND NOT CLAUDIO_SANITIZE)
    # Instrumented code raises false alarms in g++'s flow analysis.
    target_compile_options(${target} PRIVATE -Werror)
  endif()
  if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    # False alarms on "literal" + std::string (GCC PR 105651).
    target_compile_options(${target} PRIVATE -Wno-restrict)
  endif()
  if(CLAUDIO_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=${CLAUDIO_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
    target_link_options(${target} PUBLIC -fsanitize=${CLAUDIO_SANITIZE})
    if(CLAUDIO_SANITIZE MATCHES undefined AND CMAKE_CXX_COMPILER_ID STREQUAL GNU)
      # Checks of every access, which AddressSanitizer makes too, or clang's fuzz targets do: two fifths of the compile time.
      target_compile_options(${target} PRIVATE -fno-sanitize=null,alignment,vptr)
    endif()
    if(CLAUDIO_SANITIZE MATCHES thread AND CMAKE_CXX_COMPILER_ID STREQUAL GNU)
      # TSan does not model Asio's fences; test/tsan.supp has the one report that comes of it.
      target_compile_options(${target} PRIVATE -Wno-tsan)
    endif()
  endif()
endfunction()

# A library that users link as claudio::<name>.
function(claudio_library target name)
  add_library(claudio::${name} ALIAS ${target})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${name} POSITION_INDEPENDENT_CODE ON)
  target_compile_features(${target} PUBLIC cxx_std_20)
  target_include_directories(${target}
    PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/include>
           $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>
    PRIVATE ${PROJECT_SOURCE_DIR}/lib)
  claudio_compile_options(${target})
endfunction()
