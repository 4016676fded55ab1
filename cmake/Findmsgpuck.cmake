# Finds msgpuck (MessagePack) and defines msgpuck::msgpuck; Debian's package ships no CMake configuration.
find_path(msgpuck_INCLUDE_DIR msgpuck.h)
find_library(msgpuck_LIBRARY msgpuck)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(msgpuck REQUIRED_VARS msgpuck_LIBRARY msgpuck_INCLUDE_DIR
  REASON_FAILURE_MESSAGE "install libmsgpuck-dev, or run tools/setup")
if(msgpuck_FOUND AND NOT TARGET msgpuck::msgpuck)
  add_library(msgpuck::msgpuck UNKNOWN IMPORTED)
  set_target_properties(msgpuck::msgpuck PROPERTIES IMPORTED_LOCATION "${msgpuck_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${msgpuck_INCLUDE_DIR}")
endif()
mark_as_advanced(msgpuck_INCLUDE_DIR msgpuck_LIBRARY)
