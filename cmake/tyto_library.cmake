# How every target of Tyto is compiled, and how a module becomes the library tyto::<name>.

function(tyto_compile_options target)
  target_compile_features(${target} PUBLIC cxx_std_20)
  # When it optimises, GCC 12 takes the inactive alternatives of a moved std::variant for uninitialised values, and
  # std::string's own copying for overlapping.
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor
    $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized$<SEMICOLON>-Wno-restrict>
    $<$<BOOL:${TYTO_WARNINGS_AS_ERRORS}>:-Werror>)
  if(TYTO_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=${TYTO_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(${target} PUBLIC -fsanitize=${TYTO_SANITIZE})
  endif()
  if(TYTO_LIBFUZZER)  # it is led by which lines of Tyto an input reaches
    target_compile_options(${target} PRIVATE -fsanitize=fuzzer-no-link)
  endif()
endfunction()

# tyto_library(<module> SOURCES <file>...): public headers in include/, private ones in src/.
function(tyto_library module)
  cmake_parse_arguments(arg "" "" "SOURCES" ${ARGN})
  add_library(tyto_${module} STATIC ${arg_SOURCES})
  add_library(tyto::${module} ALIAS tyto_${module})
  set_target_properties(tyto_${module} PROPERTIES EXPORT_NAME ${module} POSITION_INDEPENDENT_CODE ON)
  target_include_directories(tyto_${module}
    PUBLIC $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/include>
    PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/src)
  tyto_compile_options(tyto_${module})
endfunction()

# tyto_use_allocator(<program>): with TYTO_MIMALLOC the program allocates with mimalloc. A library must not choose that for
# whoever links it.
function(tyto_use_allocator program)
  if(TYTO_MIMALLOC)
    find_package(mimalloc REQUIRED)
    # It takes the place of malloc when it is there; no symbol of it is asked for by name.
    target_link_libraries(${program} PRIVATE -Wl,--push-state,--no-as-needed mimalloc -Wl,--pop-state)
  endif()
endfunction()
