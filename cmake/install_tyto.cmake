# `cmake --install`: libraries, public headers, and the package that find_package(tyto) finds.
include(CMakePackageConfigHelpers)

set(tyto_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/tyto)

set(tyto_installed tyto tyto_framework tyto_persistence tyto_actors tyto_caf tyto_testing)
set(tyto_modules framework persistence actors actors/caf actors/testing)
if(TARGET tyto_serve)
  list(APPEND tyto_installed tyto_survey tyto_serve)
  list(APPEND tyto_modules actors/serve)
endif()
if(TARGET tyto_metrics)
  list(APPEND tyto_installed tyto_metrics)
  list(APPEND tyto_modules actors/metrics)
endif()
install(TARGETS ${tyto_installed} EXPORT tyto_targets INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
foreach(module ${tyto_modules})
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/${module}/include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
    FILES_MATCHING PATTERN "*.hpp")
endforeach()
install(FILES ${PROJECT_BINARY_DIR}/include/tyto/tyto.hpp DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/tyto)

install(EXPORT tyto_targets NAMESPACE tyto:: DESTINATION ${tyto_package_dir})
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/tytoConfig.cmake.in ${PROJECT_BINARY_DIR}/tytoConfig.cmake
  INSTALL_DESTINATION ${tyto_package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/tytoConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/tytoConfig.cmake ${PROJECT_BINARY_DIR}/tytoConfigVersion.cmake
  ${CMAKE_CURRENT_LIST_DIR}/FindCAF.cmake ${CMAKE_CURRENT_LIST_DIR}/FindLMDB.cmake
  ${CMAKE_CURRENT_LIST_DIR}/Findmsgpuck.cmake ${CMAKE_CURRENT_LIST_DIR}/FindxxHash.cmake
  ${CMAKE_CURRENT_LIST_DIR}/Findhttplib.cmake
  DESTINATION ${tyto_package_dir})
