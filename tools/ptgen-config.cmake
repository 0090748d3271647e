# SPDX-License-Identifier: MIT
# ptgen-config.cmake: find_package(ptgen) gives
#
#   ptgen_add_format(TARGET FILE [SET NAME=VALUE...] [PREFIX NAME] [FORMAT NAME])
#
# which compiles the formats of FILE (a path, or the name of one that came with ptgen) and adds what ptgen writes to
# TARGET. Files that FILE includes are dependencies. FORMAT picks one format where the file has several.
get_filename_component(_ptgen_prefix "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
find_program(PTGEN_EXECUTABLE ptgen HINTS "${_ptgen_prefix}/bin" REQUIRED)
set(PTGEN_INCLUDE_DIR "${_ptgen_prefix}/include/ptgen")
set(PTGEN_FORMATS_DIR "${_ptgen_prefix}/share/ptgen/formats")

function(ptgen_add_format target file)
	cmake_parse_arguments(arg "" "PREFIX;FORMAT" "SET" ${ARGN})
	if(EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/${file}")
		set(file "${CMAKE_CURRENT_SOURCE_DIR}/${file}")
	elseif(EXISTS "${PTGEN_FORMATS_DIR}/${file}")
		set(file "${PTGEN_FORMATS_DIR}/${file}")
	else()
		message(FATAL_ERROR "ptgen_add_format: there is no ${file}, neither here nor in ${PTGEN_FORMATS_DIR}")
	endif()
	set(options -o "${CMAKE_CURRENT_BINARY_DIR}")
	foreach(set IN LISTS arg_SET)
		list(APPEND options "--set=${set}")
	endforeach()
	if(arg_FORMAT)
		list(APPEND options "--format=${arg_FORMAT}")
		set(names "${arg_FORMAT}")
	else()
		file(STRINGS "${file}" lines REGEX "^format[ \t]+[A-Za-z0-9_]+")
		foreach(line IN LISTS lines)
			string(REGEX REPLACE "^format[ \t]+([A-Za-z0-9_]+).*" "\\1" name "${line}")
			list(APPEND names "${name}")
		endforeach()
	endif()
	if(arg_PREFIX)
		list(APPEND options "--prefix=${arg_PREFIX}")
		set(names "${arg_PREFIX}")
	endif()
	foreach(name IN LISTS names)
		list(APPEND outputs "${CMAKE_CURRENT_BINARY_DIR}/${name}.c" "${CMAKE_CURRENT_BINARY_DIR}/${name}.h")
	endforeach()
	get_filename_component(base "${file}" NAME)
	set(depfile "${CMAKE_CURRENT_BINARY_DIR}/${base}.d")
	list(GET outputs 0 first)
	add_custom_command(
		OUTPUT ${outputs}
		COMMAND "${PTGEN_EXECUTABLE}" ${options} -MD -MF "${depfile}" -MT "${first}" "${file}"
		# ptgen leaves a file that stays the same untouched
		COMMAND "${CMAKE_COMMAND}" -E touch ${outputs}
		DEPENDS "${file}" "${PTGEN_EXECUTABLE}"
		DEPFILE "${depfile}"
		VERBATIM)
	target_sources(${target} PRIVATE ${outputs})
	target_include_directories(${target} PRIVATE "${CMAKE_CURRENT_BINARY_DIR}" "${PTGEN_INCLUDE_DIR}")
endfunction()
