# Installs BUILD_DIRECTORY to an empty PREFIX, so that no file of an earlier run stands in for one that is missing now.
file(REMOVE_RECURSE ${PREFIX})
execute_process(COMMAND ${CMAKE_COMMAND} --install ${BUILD_DIRECTORY} --prefix ${PREFIX} COMMAND_ERROR_IS_FATAL ANY)
