// Catch2 under the names of its version 2, whichever of the versions 2 and 3 is installed. All tests include this header.
#pragma once

#if __has_include(<catch2/catch_test_macros.hpp>)

#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/catch_tostring.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/generators/catch_generators_range.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <string>
#include <utility>

namespace Catch {

using Matchers::StartsWith;

inline auto Contains(std::string part) { return Matchers::ContainsSubstring(std::move(part)); }

}  // namespace Catch

#else

#include <catch2/catch.hpp>

#endif
