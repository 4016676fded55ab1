// What docs/testing.md includes is of Catch2 3; where version 2 is installed, this is found in its place.
#pragma once

#include <catch2/catch.hpp>
