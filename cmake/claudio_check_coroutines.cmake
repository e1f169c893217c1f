# claudio_check_coroutines(TARGET): looks through the sources of a target for the coroutine idioms that g++ before 13
# miscompiles, each time before the target is built. A finding fails the build. g++ 13 and clang need none of this.
function(claudio_check_coroutines target)
  if(NOT TARGET ${target})
    message(FATAL_ERROR "claudio_check_coroutines: there is no target \"${target}\"")
  endif()
  find_program(CLAUDIO_PYTHON python3)
  if(NOT CLAUDIO_PYTHON)
    message(WARNING "claudio_check_coroutines: python3 was not found, so the sources of ${target} are not checked")
    return()
  endif()
  get_property(lint GLOBAL PROPERTY claudio_coroutine_lint)
  set(sources "$<FILTER:$<TARGET_PROPERTY:${target},SOURCES>,INCLUDE,[.](c|cc|cpp|cxx|h|hh|hpp|hxx|ipp)$>")
  add_custom_target(${target}_check_coroutines
    COMMAND ${CLAUDIO_PYTHON} ${lint} ${sources}
    WORKING_DIRECTORY $<TARGET_PROPERTY:${target},SOURCE_DIR>
    COMMENT "Checking the coroutines of ${target}"
    COMMAND_EXPAND_LISTS VERBATIM)
  add_dependencies(${target} ${target}_check_coroutines)
endfunction()
