#include "tyto/testing/simulation.hpp"

#include "support/catch.hpp"
