# Writes a source with the bytes of the page's files: cmake -DOUTPUT=… -DDIRECTORY=… -DFILES=a;b -P embed_page.cmake
set(arrays "")
set(entries "")
set(types_html "text/html; charset=utf-8")
set(types_css "text/css; charset=utf-8")
set(types_js "text/javascript; charset=utf-8")
set(number 0)
foreach(file ${FILES})
  file(READ "${DIRECTORY}/${file}" hex HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
  string(REGEX REPLACE "(0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,)" "\\1\n  " bytes "${bytes}")
  get_filename_component(extension "${file}" LAST_EXT)
  string(SUBSTRING "${extension}" 1 -1 extension)
  set(path "/${file}")
  if(file STREQUAL "index.html")
    set(path "/")
  endif()
  string(APPEND arrays "constexpr unsigned char file_${number}[] = {\n  ${bytes}\n};\n")
  string(APPEND entries "    {\"${path}\", \"${types_${extension}}\", {reinterpret_cast<const char*>(file_${number}), sizeof file_${number}}},\n")
  math(EXPR number "${number} + 1")
endforeach()
file(WRITE "${OUTPUT}" "// Made by embed_page.cmake of the files in page/.
#include \"page_files.hpp\"

namespace tyto::detail {
namespace {

${arrays}
const page_file files[] = {
${entries}};

}  // namespace

std::span<const page_file> page_files() { return files; }

}  // namespace tyto::detail
")
