// The page itself: the files of ../page, in the library.
#pragma once

#include <span>
#include <string_view>

namespace tyto::detail {

struct page_file {
  std::string_view path;  // "/page.js"
  std::string_view type;
  std::string_view content;
};

/// Returns them. The definition is made by embed_page.cmake.
std::span<const page_file> page_files();

}  // namespace tyto::detail
