// Catch2, of version 2 or 3, under the names of version 2. All tests include it through this header.
#pragma once

#if __has_include(<catch2/catch_test_macros.hpp>)

#include <catch2/catch_approx.hpp>
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

using Catch::Approx;

#else

#include <catch2/catch.hpp>

#endif
