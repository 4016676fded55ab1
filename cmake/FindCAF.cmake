# Finds the C++ Actor Framework's core and defines CAF::CAF; Debian's package ships no CMake configuration.
find_path(CAF_INCLUDE_DIR caf/all.hpp)
find_library(CAF_LIBRARY caf_core)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(CAF REQUIRED_VARS CAF_LIBRARY CAF_INCLUDE_DIR
  REASON_FAILURE_MESSAGE "install libcaf-dev, or run tools/setup")
if(CAF_FOUND AND NOT TARGET CAF::CAF)
  add_library(CAF::CAF UNKNOWN IMPORTED)
  set_target_properties(CAF::CAF PROPERTIES IMPORTED_LOCATION "${CAF_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${CAF_INCLUDE_DIR}")
endif()
mark_as_advanced(CAF_INCLUDE_DIR CAF_LIBRARY)
